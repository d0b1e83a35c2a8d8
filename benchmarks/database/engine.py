"""What a row needs of a database server, whichever engine it is, with root's powers."""

from collections import Counter
from typing import Protocol

from benchmarks.database.target import Target

USER = "app"
OTHER_USER = "app_clone"
PASSWORD = "first password"  # noqa: S105 - of a server on loopback that lives for a minute
TABLES = (
    # No key: what is stored twice shall be seen twice.
    "CREATE TABLE stored (message varchar(200) NOT NULL)",
    "CREATE TABLE marked (message varchar(200) NOT NULL)",
)


class Engine(Protocol):
    """A server with the tables `stored` and `marked`, that of `Once`, and the two users of the application."""

    @property
    def target(self) -> Target:
        """How the application's user gets in."""

    def empty(self) -> None:
        """Forget what was stored, and give the users their first password."""

    def stored(self) -> Counter[str]:
        """How often each message is in the table."""

    def set_password(self, user: str, password: str) -> None:
        """Change a user's password."""

    def kill_a_connection(self) -> bool:
        """End one of the application's connections, any of them; False if there was none."""

    def restart(self) -> None:
        """Stop the server and start it again, whatever is going on."""
