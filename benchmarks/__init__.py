"""What the project's claims rest on, measured."""
