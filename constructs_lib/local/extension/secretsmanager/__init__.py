"""Secrets Manager: secrets and what hangs on them."""

from . import secrets


def install() -> None:
    """Install all changes."""
    secrets.install()
