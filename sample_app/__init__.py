"""A ride-sharing back end that uses every pattern."""
