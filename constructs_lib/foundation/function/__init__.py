"""A function and its package."""
