"""APIs in front of aliases."""
