"""API Gateway: REST and HTTP APIs."""

from . import access_logs, answers, callers, owners, permissions, template_properties


def install() -> None:
    """Install all changes."""
    template_properties.install()
    answers.install()
    # After the answers: an API that may not invoke its function refuses before there is a request id.
    permissions.install()
    callers.install()
    owners.install()
    access_logs.install()
