"""Kinesis: types of a template."""

from . import template_types


def install() -> None:
    """Install all changes."""
    template_types.install()
