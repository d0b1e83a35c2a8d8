"""CloudFormation: how a type of resource is added or changed, and types that are only declared."""

from . import declared_types


def install() -> None:
    """Install all changes."""
    declared_types.install()
