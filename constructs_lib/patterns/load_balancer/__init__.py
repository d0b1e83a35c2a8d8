"""A load balancer in front of an alias."""
