"""The password is rotated while handlers are invoked and open connections."""

import functools
import threading
import time
from typing import Final

from benchmarks.database.effects import CONSUMER
from benchmarks.database.engine import OTHER_USER, PASSWORD, USER, Engine
from benchmarks.database.figures import Figure, most_common
from benchmarks.database.handler import Handler
from benchmarks.database.load import Load, in_threads, lost_and_doubled
from benchmarks.database.secret_store import SecretStore
from constructs_lib.runtime.once import Once
from constructs_lib.runtime.secret_login import SecretLogin

_GAP_SECONDS: Final = 0.2
"""Between the new password in the database and the new version of the secret. AWS's rotation takes seconds, as it
invokes its function for each step; here it is scaled down, with the patience of the handlers (20 s by default)."""
_INVOCATIONS_PER_CONNECTION: Final = 8
_BETWEEN_ROTATIONS_SECONDS: Final = 0.8


def measure(
    engine: Engine,
    *,
    safeguarded: bool,
    alternating: bool,
    rotations: int,
    environments: int,
    give_up_after_seconds: float = 5,
) -> Figure:
    """Rotate under load. The safeguard is the second look: without it the secret is read once and kept.

    Args:
        engine: The server.
        safeguarded: Whether the secret that a login reads is the one of that moment; if not, a cache that never
            expires stands between the login and the secret.
        alternating: Each rotation changes the password of the user that is not in use, and makes it the current one;
            if not, there is one user only.
        rotations: How many.
        environments: How many handlers are invoked at the same time.
        give_up_after_seconds: How long a handler tries to connect.
    """
    engine.empty()
    load = Load()
    over = threading.Event()
    secret = SecretStore(USER, PASSWORD)

    def read(_: str) -> str:
        return secret.get_secret_value()

    def keep_busy(number: int) -> None:
        fetch = read if safeguarded else functools.cache(read)
        database = engine.target.database(
            give_up_after_seconds=give_up_after_seconds, login=SecretLogin("benchmark", fetch=fetch)
        )
        handler = Handler(database, Once(database, consumer=CONSUMER))
        invocation = 0
        while not over.is_set():
            load.invoke(handler, f"{number}-{invocation}")
            invocation += 1
            # An open connection outlives every rotation: only a new one shows anything.
            if invocation % _INVOCATIONS_PER_CONNECTION == 0:
                handler.close()
        handler.close()

    threads = in_threads(environments, keep_busy)
    try:
        for rotation in range(rotations):
            time.sleep(_BETWEEN_ROTATIONS_SECONDS)
            secret.rotate(
                OTHER_USER if alternating and rotation % 2 == 0 else USER,
                f"password {rotation}",
                set_password=engine.set_password,
                gap=lambda: time.sleep(_GAP_SECONDS),
            )
        time.sleep(_BETWEEN_ROTATIONS_SECONDS)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    lost, doubled = lost_and_doubled(engine.stored(), load.done)
    return Figure(
        count=len(load.milliseconds),
        failed=len(load.errors),
        lost=lost,
        doubled=doubled,
        milliseconds=load.milliseconds,
        note="; ".join(
            filter(
                None,
                [f"{rotations} rotations, secret read {secret.reads} times", most_common(load.errors)],
            )
        ),
    )
