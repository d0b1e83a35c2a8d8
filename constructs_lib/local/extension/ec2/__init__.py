"""EC2: the network around functions and databases."""

from . import network


def install() -> None:
    """Install all changes."""
    network.install()
