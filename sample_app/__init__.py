"""A ride-sharing back end; docs/coverage.md lists which constructs it uses, and where."""
