"""Positions of drivers to rehearse zones with: what is put on the stream, and what must come of it.

Nothing here is taken from the handlers. What makes a position fail is not in the position: it is in a zone that the
deployed handler does not know yet.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

NEW_ZONES: Final = ("Harbour", "Science Park", "Zoo", "Airport")
"""Not known to the handler as it is deployed first; one in each of four shards."""
ZONES: Final = (
    "Alexanderplatz", "Karow", "Kreuzberg", "Lankwitz", "Lichtenberg", "Mitte", "Pankow", "Spandau", "Tegel",
    "Tempelhof", "Wannsee", "Wedding",
)  # fmt: skip
"""Three in each of four shards."""
_DRIVERS_OF_A_ZONE: Final = 6
SCARCE: Final = 3
"""With fewer free drivers a zone has a surge."""


@dataclass(frozen=True)
class Positions:
    """What to send, in this order.

    Attributes:
        sent: The positions: zone, driver_id, free, at.
        poison: How many of them are in a zone that nobody knows.
    """

    sent: Sequence[Mapping[str, Any]]
    poison: int

    @property
    def entries(self) -> list[dict[str, Any]]:
        """As Kinesis takes them."""
        return [{"Data": json.dumps(dict(each)).encode(), "PartitionKey": each["zone"]} for each in self.sent]


def make_positions(seed: int, *, positions: int = 1000, poison: int = 4) -> Positions:
    """Make positions that look real.

    Args:
        seed: The same seed makes the same positions.
        positions: How many.
        poison: How many of them are in a new zone.

    Returns:
        What to send.

    Raises:
        ValueError: There are not enough positions, or not enough new zones.
    """
    if not 0 <= poison <= min(positions, len(NEW_ZONES)):
        raise ValueError(f"poison must be 0 to {len(NEW_ZONES)}, and at most positions, got {poison}")
    rng = random.Random(seed)  # noqa: S311 - to be repeatable is the point
    zones = [rng.choice(ZONES) for _ in range(positions - poison)]
    for zone in NEW_ZONES[:poison]:
        # In the middle: there are records behind it in its shard.
        zones.insert(rng.randrange(len(zones) // 4, 3 * len(zones) // 4 + 1), zone)
    began = datetime(2026, 11, 28, 8, tzinfo=UTC)
    sent = [
        {
            "zone": zone,
            "driver_id": f"driver-{zone[:3].lower()}-{rng.randrange(_DRIVERS_OF_A_ZONE)}",
            "free": rng.random() < 0.5,
            "at": (began + timedelta(seconds=index)).isoformat(),
        }
        for index, zone in enumerate(zones)
    ]
    return Positions(sent, poison)


def free_drivers(positions: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count the free drivers of each zone, when all positions were taken.

    Args:
        positions: All of them, in any order.

    Returns:
        The number of free drivers by zone.
    """
    last = {
        (each["zone"], each["driver_id"]): each for each in sorted(positions, key=lambda each: each["at"])
    }
    counted = dict.fromkeys((zone for zone, _ in last), 0)
    for (zone, _), position in last.items():
        counted[zone] += position["free"]
    return counted
