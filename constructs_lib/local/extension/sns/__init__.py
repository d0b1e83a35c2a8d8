"""SNS: topics."""

from . import lambda_subscriptions, topic_policy


def install() -> None:
    """Install all changes."""
    topic_policy.install()
    lambda_subscriptions.install()
