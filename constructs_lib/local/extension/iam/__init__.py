"""IAM: what is allowed where it is enforced."""

from . import secure_transport


def install() -> None:
    """Install all changes."""
    secure_transport.install()
