"""What people do instead of `Once`: each is called like it, and each fails in its own way."""

from collections.abc import Callable
from typing import Any

from constructs_lib.runtime.database import Database

CONSUMER = "benchmark"


class EffectThenMarker:
    """The effect first, and the marker in a second transaction: between the two a crash doubles.

    Args:
        database: For both; the markers are in the table `marked`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, key: str, work: Callable[[Any], object]) -> bool:
        """Apply the effect, unless there is a marker.

        Args:
            key: Of the message.
            work: The effect.
        """

        def is_marked(connection: Any) -> bool:
            cursor = connection.cursor()
            cursor.execute("SELECT 1 FROM marked WHERE message = %s", (key,))
            return cursor.fetchone() is not None

        def mark(connection: Any) -> None:
            connection.cursor().execute("INSERT INTO marked (message) VALUES (%s)", (key,))

        if self._database.run(is_marked):
            return False
        self._database.run(work)
        self._database.run(mark)
        return True


class RepeatedInDoubt:
    """No marker, and a COMMIT in doubt is repeated like every other failure: it doubles where the answer was lost.

    Args:
        database: For the effect.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, key: str, work: Callable[[Any], object]) -> bool:
        """Apply the effect.

        Args:
            key: Of the message, of no use here.
            work: The effect.
        """
        del key
        self._database.run(work, repeatable=True)
        return True
