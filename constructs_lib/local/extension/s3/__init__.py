"""S3: buckets."""

from . import lambda_notifications


def install() -> None:
    """Install all changes."""
    lambda_notifications.install()
