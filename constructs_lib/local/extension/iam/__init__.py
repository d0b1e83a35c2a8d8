"""IAM: what is allowed where it is enforced."""

from . import secure_transport, table_streams


def install() -> None:
    """Install all changes."""
    secure_transport.install()
    table_streams.install()
