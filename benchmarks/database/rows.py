"""The rows of the table: each is measured twice, with its safeguard and without."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.database import (
    crashes,
    doubts,
    import_time,
    kills,
    overrun,
    restarts,
    rotations,
    statements,
    tokens,
    wire,
)
from benchmarks.database.figures import Figure
from benchmarks.database.workshop import Workshop


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        name: For `--row`.
        promise: What it shows.
        large: Measures it at full size, with the safeguard or without.
        small: The same at a size that the tests can afford.
    """

    name: str
    promise: str
    large: Callable[[Workshop, bool], Figure]
    small: Callable[[Workshop, bool], Figure]


ROWS: Final = (
    Row(
        "overrun",
        "many environments at once on a small pool; without it on the server itself",
        lambda shop, guarded: overrun.measure(
            shop.postgres(), shop.pool(), safeguarded=guarded, environments=1000, invocations=10
        ),
        lambda shop, guarded: overrun.measure(
            shop.postgres(),
            shop.pool(),
            safeguarded=guarded,
            environments=120,
            invocations=3,
            give_up_after_seconds=3,
        ),
    ),
    Row(
        "statements",
        "one statement again and again through the pool; without it psycopg gives it a name",
        lambda shop, guarded: statements.measure(
            shop.postgres(), shop.pool(), safeguarded=guarded, environments=40, invocations=100
        ),
        lambda shop, guarded: statements.measure(
            shop.postgres(), shop.pool(), safeguarded=guarded, environments=30, invocations=10
        ),
    ),
    Row(
        "kills",
        "connections killed under load; without it nothing is retried",
        lambda shop, guarded: kills.measure(shop.postgres(), safeguarded=guarded, kills=100, environments=20),
        lambda shop, guarded: kills.measure(shop.postgres(), safeguarded=guarded, kills=15, environments=8),
    ),
    Row(
        "doubts",
        "answers to COMMIT lost; without it the transaction is repeated blindly",
        lambda shop, guarded: doubts.measure(shop.postgres(), safeguarded=guarded, losses=50),
        lambda shop, guarded: doubts.measure(shop.postgres(), safeguarded=guarded, losses=10),
    ),
    Row(
        "rotation",
        "a single user's password rotated under load; without it the secret is read once",
        lambda shop, guarded: rotations.measure(
            shop.postgres(), safeguarded=guarded, alternating=False, rotations=10, environments=20
        ),
        lambda shop, guarded: rotations.measure(
            shop.postgres(),
            safeguarded=guarded,
            alternating=False,
            rotations=2,
            environments=6,
            give_up_after_seconds=3,
        ),
    ),
    Row(
        "alternation",
        "rotation between alternating users under load; without it the secret is read once",
        lambda shop, guarded: rotations.measure(
            shop.postgres(), safeguarded=guarded, alternating=True, rotations=10, environments=20
        ),
        lambda shop, guarded: rotations.measure(
            shop.postgres(),
            safeguarded=guarded,
            alternating=True,
            rotations=3,
            environments=6,
            give_up_after_seconds=3,
        ),
    ),
    Row(
        "restart",
        "the server restarted under load; without it no retry, and the marker in a second transaction",
        lambda shop, guarded: restarts.measure(
            shop.postgres(), safeguarded=guarded, messages=5000, restarts=5, environments=20
        ),
        lambda shop, guarded: restarts.measure(
            shop.postgres(), safeguarded=guarded, messages=600, restarts=2, environments=8
        ),
    ),
    Row(
        "crash",
        "kill -9 of the consumer in a batch; without it the marker is in a second transaction",
        lambda shop, guarded: crashes.measure(shop.postgres(), safeguarded=guarded, kills=20),
        lambda shop, guarded: crashes.measure(shop.postgres(), safeguarded=guarded, kills=6),
    ),
    Row(
        "wire",
        "nothing that pins is sent, by psycopg and pg8000; without it psycopg keeps its defaults",
        lambda shop, guarded: wire.measure(shop.postgres(), safeguarded=guarded),
        lambda shop, guarded: wire.measure(shop.postgres(), safeguarded=guarded),
    ),
    Row(
        "import",
        "the runtime is imported; without it boto3 is",
        lambda shop, guarded: import_time.measure(shop.folder, safeguarded=guarded, runs=15),
        lambda shop, guarded: import_time.measure(shop.folder, safeguarded=guarded, runs=5),
    ),
    Row(
        "token",
        "IAM tokens are the ones that botocore makes; without it the first is kept",
        lambda _, guarded: tokens.measure(safeguarded=guarded, tokens=1000),
        lambda _, guarded: tokens.measure(safeguarded=guarded, tokens=60),
    ),
    Row(
        "mysql-kills",
        "MariaDB: connections killed under load; without it nothing is retried",
        lambda shop, guarded: kills.measure(shop.mariadb(), safeguarded=guarded, kills=30, environments=6),
        lambda shop, guarded: kills.measure(shop.mariadb(), safeguarded=guarded, kills=8, environments=3),
    ),
    Row(
        "mysql-rotation",
        "MariaDB: a single user's password rotated under load; without it the secret is read once",
        lambda shop, guarded: rotations.measure(
            shop.mariadb(), safeguarded=guarded, alternating=False, rotations=5, environments=10
        ),
        lambda shop, guarded: rotations.measure(
            shop.mariadb(),
            safeguarded=guarded,
            alternating=False,
            rotations=2,
            environments=5,
            give_up_after_seconds=3,
        ),
    ),
    Row(
        "mysql-restart",
        "MariaDB: the server restarted under load; without it no retry, and the marker in a second transaction",
        lambda shop, guarded: restarts.measure(
            shop.mariadb(), safeguarded=guarded, messages=2000, restarts=3, environments=10
        ),
        lambda shop, guarded: restarts.measure(
            shop.mariadb(), safeguarded=guarded, messages=300, restarts=1, environments=6
        ),
    ),
    Row(
        "mysql-crash",
        "MariaDB: kill -9 of the consumer in a batch; without it the marker is in a second transaction",
        lambda shop, guarded: crashes.measure(shop.mariadb(), safeguarded=guarded, kills=15),
        lambda shop, guarded: crashes.measure(shop.mariadb(), safeguarded=guarded, kills=5),
    ),
)
