"""RDS: databases, proxies, and how clients log in to them."""

from . import certificate_authority, databases, proxies


def install(*, run_folder: str) -> None:
    """Install all changes."""
    certificate_authority.install(run_folder=run_folder)
    databases.install()
    proxies.install()
