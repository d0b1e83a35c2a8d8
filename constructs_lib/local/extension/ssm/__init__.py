"""Parameter Store."""

from . import parameter_names


def install() -> None:
    """Install all changes."""
    parameter_names.install()
