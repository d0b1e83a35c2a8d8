"""The address of a handler's database, in a form that travels to other processes."""

import importlib
import json
from dataclasses import dataclass, replace
from typing import Any

from constructs_lib.runtime.database import Database
from constructs_lib.runtime.secret_login import SecretLogin


@dataclass(frozen=True)
class Target:
    """A database and a user of it.

    Attributes:
        driver: Name of the driver's module.
        host: Of the server, or of what stands in front of it.
        port: Of the same.
        name: Of the database.
        user: To log in as.
        password: Of the user.
    """

    driver: str
    host: str
    port: int
    name: str
    user: str
    password: str

    def at(self, host: str, port: int) -> "Target":
        """Return the same database behind another address.

        Args:
            host: Of what stands in front of it.
            port: Of the same.
        """
        return replace(self, host=host, port=port)

    def database(
        self,
        *,
        give_up_after_seconds: float,
        idle_check_seconds: float = 30,
        login: SecretLogin | None = None,
        driver: Any = None,
    ) -> Database:
        """A handler's database, not opened yet.

        Args:
            give_up_after_seconds: How long it retries; 0: not at all.
            idle_check_seconds: After how long without use the connection is checked.
            login: None: the user's name and password, out of a secret that never changes.
            driver: None: the target's own.
        """
        secret = json.dumps({"username": self.user, "password": self.password})
        return Database(
            driver or importlib.import_module(self.driver),
            host=self.host,
            port=self.port,
            name=self.name,
            login=login or SecretLogin("benchmark", fetch=lambda _: secret),
            tls=False,  # loopback; whether TLS is right is a matter of the tests, not of the load
            idle_check_seconds=idle_check_seconds,
            give_up_after_seconds=give_up_after_seconds,
        )
