"""Consumers of streams: what fails is retried a few times, kept whole, and can be sent again."""
