import base64
import json
from typing import Any

import position
import pytest

DATA = {"zone": "Mitte", "driver_id": "driver-7", "free": True, "at": "2026-11-28T08:00:00+00:00"}


def record(**data: Any) -> dict[str, Any]:
    return {
        "eventID": "shardId-000000000000:42",
        "kinesis": {"sequenceNumber": "42", "data": base64.b64encode(json.dumps(data).encode()).decode()},
    }


def test_a_record_becomes_a_position() -> None:
    assert position.Position.of(record(**DATA)) == position.Position(
        event_id="shardId-000000000000:42",
        zone="Mitte",
        driver_id="driver-7",
        is_free=True,
        at="2026-11-28T08:00:00+00:00",
    )


def test_a_zone_that_is_not_in_the_file_is_refused() -> None:
    with pytest.raises(position.UnknownZoneError, match="Harbour"):
        position.Position.of(record(**DATA | {"zone": "Harbour"}))


def test_what_is_no_position_is_refused() -> None:
    with pytest.raises(KeyError):
        position.Position.of(record(zone="Mitte"))
