"""The position of a driver, as it is on the stream."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ZONES = frozenset(json.loads((Path(__file__).parent / "zones.json").read_text()))


class UnknownZoneError(Exception):
    """A position is in a zone that `zones.json` does not have."""


@dataclass(frozen=True)
class Position:
    """Where a driver is, and whether a rider may ask for them.

    Attributes:
        event_id: The shard and the sequence number: the key under which the position is taken once.
        zone: The zone; the positions of a zone are in one shard, in order.
        driver_id: The driver.
        is_free: False while a rider is on board, and when the driver leaves the zone.
        at: When that was; ISO 8601 in UTC, so that text compares as time.
    """

    event_id: str
    zone: str
    driver_id: str
    is_free: bool
    at: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Position":
        """Read a record of the stream.

        Args:
            record: The record, as Lambda has it.

        Returns:
            The position.

        Raises:
            UnknownZoneError: Its zone is not known.
            KeyError: A part of it is missing.
            ValueError: It is not JSON.
        """
        data = json.loads(base64.b64decode(record["kinesis"]["data"]))
        if data["zone"] not in ZONES:
            raise UnknownZoneError(data["zone"])
        return cls(record["eventID"], data["zone"], data["driver_id"], bool(data["free"]), data["at"])
