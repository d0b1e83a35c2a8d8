"""What users instantiate: one file, one pattern; they never import each other."""
