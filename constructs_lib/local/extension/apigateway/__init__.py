"""API Gateway: REST and HTTP APIs."""

from . import access_logs, answers, callers, owners, permissions, template_properties


def install() -> None:
    """Install all changes."""
    template_properties.install()
    answers.install()
    # After the answers, which give an HTTP API's response its request id: a refusal has none.
    permissions.install()
    callers.install()
    owners.install()
    access_logs.install()
