"""The limits of IdempotencyTable."""

from typing import Final

from constructs_lib import IdempotencyTable
from tests.limits.table import Arguments, Limits, args, by_name_instead

_ROWS: list[tuple[str, Arguments, str]] = [
    *by_name_instead(encryption_key="a KMS key", alarm_topic="a topic"),
    (
        "a removal policy by its name",
        args(removal_policy="destroy"),
        "removal_policy must be a RemovalPolicy",
    ),
]

IDEMPOTENCY_LIMITS: Final = Limits(IdempotencyTable, otherwise={}, rows=_ROWS)
