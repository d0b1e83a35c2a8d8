"""What patterns are made of."""
