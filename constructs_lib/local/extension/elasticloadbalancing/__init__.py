"""Load balancers: their Lambda targets, as templates register them and as they are invoked."""

from . import lambda_targets, registration


def install() -> None:
    """Install all changes."""
    registration.install()
    lambda_targets.install()
