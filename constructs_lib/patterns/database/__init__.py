"""Databases behind a proxy."""
