"""The answer to a COMMIT is lost: the transaction took effect, and the handler cannot know."""

from typing import Final

from benchmarks.database.effects import CONSUMER, RepeatedInDoubt
from benchmarks.database.engine import Engine
from benchmarks.database.figures import Figure, most_common
from benchmarks.database.handler import Handler
from benchmarks.database.load import Load, lost_and_doubled
from benchmarks.database.wire_tap import WireTap
from constructs_lib.runtime.once import Once

_GIVE_UP_SECONDS: Final = 20


def measure(engine: Engine, *, safeguarded: bool, losses: int) -> Figure:
    """Lose answers. The safeguard is `Once`: without it the transaction is repeated all the same.

    Args:
        engine: The server; PostgreSQL.
        safeguarded: Whether the effect has a marker.
        losses: How many answers are lost.
    """
    engine.empty()
    load = Load()
    with WireTap(engine.target.host, engine.target.port, lose_answers_to="COMMIT", losses=losses) as tap:
        database = engine.target.at(tap.address, tap.port).database(give_up_after_seconds=_GIVE_UP_SECONDS)
        effect = Once(database, consumer=CONSUMER) if safeguarded else RepeatedInDoubt(database)
        handler = Handler(database, effect)
        number = 0
        while tap.losses_left and not load.errors:
            load.invoke(handler, f"message-{number}")
            number += 1
        handler.close()
        left = tap.losses_left
    lost, doubled = lost_and_doubled(engine.stored(), load.done)
    return Figure(
        count=len(load.milliseconds),
        failed=len(load.errors),
        lost=lost,
        doubled=doubled,
        milliseconds=load.milliseconds,
        note="; ".join(filter(None, [f"{losses - left} answers to COMMIT lost", most_common(load.errors)])),
    )
