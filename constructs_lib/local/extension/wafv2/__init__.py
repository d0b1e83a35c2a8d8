"""WAF: which firewall guards which API."""

from . import web_acl_association


def install() -> None:
    """Install all changes."""
    web_acl_association.install()
