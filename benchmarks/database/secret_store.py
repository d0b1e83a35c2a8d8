"""A stand-in for Secrets Manager: one secret with its versions, and the rotation's steps in AWS's order."""

import json
import threading
from collections.abc import Callable
from typing import Final

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"
PREVIOUS: Final = "AWSPREVIOUS"


class SecretStore:
    """One secret of a user's name and password.

    Args:
        username: Of the first version.
        password: Of the first version.
    """

    def __init__(self, username: str, password: str) -> None:
        self.reads = 0
        self._lock = threading.Lock()
        self._stages = {CURRENT: {"username": username, "password": password}}

    def get_secret_value(self, stage: str = CURRENT) -> str:
        """The secret's text, as Secrets Manager answers it in `SecretString`.

        Args:
            stage: Of the version that is wanted.
        """
        with self._lock:
            self.reads += 1
            return json.dumps(self._stages[stage])

    def rotate(
        self,
        username: str,
        password: str,
        *,
        set_password: Callable[[str, str], None],
        gap: Callable[[], None],
    ) -> None:
        """Rotate once: createSecret, setSecret, testSecret, finishSecret.

        Args:
            username: Of the new version.
            password: Of the new version.
            set_password: Changes the password in the database (setSecret).
            gap: The time that passes until the new version is the current one (testSecret, and the next
                invocation of the rotation's function). In it the database knows the new password only, and whoever
                asks for the secret is told the old one.
        """
        with self._lock:
            self._stages[PENDING] = {"username": username, "password": password}
        set_password(username, password)
        gap()
        with self._lock:
            self._stages[PREVIOUS] = self._stages[CURRENT]
            self._stages[CURRENT] = self._stages.pop(PENDING)
