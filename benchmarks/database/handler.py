"""The one handler of all rows: it stores a message. What differs between the columns comes in as arguments."""

from collections.abc import Callable
from typing import Any, Protocol

from constructs_lib.runtime.database import Database


class Effect(Protocol):
    """How an effect is applied for a message: `Once`, or what people do without it."""

    def __call__(self, key: str, work: Callable[[Any], object]) -> bool:
        """Apply the effect, unless it was applied for this key before."""


class Handler:
    """What one execution environment holds: a database, and the function that is invoked.

    Args:
        database: The environment's own.
        effect: How the message is stored.
    """

    def __init__(self, database: Database, effect: Effect) -> None:
        self._database = database
        self._effect = effect

    def __call__(self, key: str) -> bool:
        """Store a message.

        Args:
            key: Of the message.

        Returns:
            False if it was stored before.
        """

        def store(connection: Any) -> None:
            cursor = connection.cursor()
            cursor.execute("INSERT INTO stored (message) VALUES (%s)", (key,))
            cursor.close()

        return self._effect(key, store)

    def close(self) -> None:
        """Close the connection, as when a proxy drops one that was idle; the next message opens another."""
        self._database.close()
