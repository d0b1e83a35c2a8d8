"""Drive the sample app's zones: positions on a stream, some of them impossible until the handler is fixed.

Every figure is read back from the stream, the tables, the buckets and the metrics; nothing is taken from what a handler
says of itself.
"""

import base64
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from constructs_lib.local import LocalCloud, LocalCloudError
from sample_app.demo.alarm_notices import AlarmNotices
from sample_app.demo.changed_code import changed_code, release
from sample_app.demo.drive import Outputs, invoke
from sample_app.demo.positions import NEW_ZONES, Positions
from sample_app.demo.zones_outcome import PlainOutcome, Taken, ZonesOutcome

_ALIAS: Final = "live"
_SENT_AT_ONCE: Final = 500  # of PutRecords
_SUMMARY: Final = "summary"
_ENOUGH_TRIES: Final = 7
"""More than a KinesisConsumer gives a record."""

Tell = Callable[[str], None]


def rehearse(cloud: LocalCloud, outputs: Outputs, positions: Positions, tell: Tell) -> ZonesOutcome:
    """Send the positions, fix the handler, send what failed again.

    Args:
        cloud: With the sample app deployed.
        outputs: Of the sample app.
        positions: What to send.
        tell: Is told how far it is.

    Returns:
        Everything that is judged.
    """
    site = _Site(cloud, outputs)
    tell(f"taking {len(positions.sent)} positions")
    site.send(positions)
    cloud.wait_until_idle()
    before = site.read()

    tell("fixing the handler, sending again what failed")
    site.fix()
    redriven = invoke(cloud, outputs["PositionsRedrive"], {})
    cloud.wait_until_idle()
    return ZonesOutcome(
        shards=shards_of(cloud, outputs["PositionsStream"]),
        before=before,
        redriven=redriven,
        after=site.read(),
        alarms=site.notices.metrics(),
        oldest=max(
            site.ages("AWS/Lambda", "IteratorAge", FunctionName=outputs["UpdateZonesName"]), default=0.0
        ),
        age=site.ages(
            "AWS/Kinesis",
            "GetRecords.IteratorAgeMilliseconds",
            statistic="Minimum",
            StreamName=outputs["PositionsStream"],
        )[-1],
    )


def rehearse_plain(cloud: LocalCloud, outputs: Outputs, positions: Positions, tell: Tell) -> PlainOutcome:
    """Send the same positions to a function that CDK's defaults connect, and wait until no shard goes on.

    Args:
        cloud: With the stack of the plain zones deployed.
        outputs: Of that stack.
        positions: What to send.
        tell: Is told how far it is.

    Returns:
        What came of it.
    """
    tell(f"taking {len(positions.sent)} positions with CDK's defaults")
    send(cloud, outputs["PlainPositionsStream"], positions)

    def look(going_on: dict[str, int]) -> None:
        tries = [re.search(r"has failed (\d+) times.*no limit", what) for what in going_on]
        if going_on and all(each and int(each[1]) >= _ENOUGH_TRIES for each in tries):
            raise _StuckError

    with suppress(_StuckError):
        cloud.wait_until_idle(meanwhile=look)
    return PlainOutcome(
        shards=shards_of(cloud, outputs["PlainPositionsStream"]),
        taken=taken_in(cloud, outputs["PlainTakenTable"]),
    )


class _StuckError(Exception):
    """Each shard that has records left tries the same batch again and again."""


def shards_of(cloud: LocalCloud, stream: str) -> dict[str, list[tuple[str, Mapping[str, Any]]]]:
    """Read a stream.

    Args:
        cloud: Where it is.
        stream: Its name.

    Returns:
        Event ids and positions, by shard, in order.
    """
    kinesis = cloud.client("kinesis")
    found = {}
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        shard_id = shard["ShardId"]
        at = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records: list[tuple[str, Mapping[str, Any]]] = []
        while answer := kinesis.get_records(ShardIterator=at):
            records += [
                (f"{shard_id}:{record['SequenceNumber']}", json.loads(record["Data"]))
                for record in answer["Records"]
            ]
            at = answer.get("NextShardIterator")
            if not at or not answer["Records"]:
                break
        found[shard_id] = records
    return found


def taken_in(cloud: LocalCloud, table: str) -> dict[str, int]:
    """Read when each position was taken.

    Args:
        cloud: Where the table is.
        table: Its name.

    Returns:
        Nanoseconds by event id.
    """
    return {item["event_id"]["S"]: int(item["taken_at"]["N"]) for item in _items(cloud, table)}


def send(cloud: LocalCloud, stream: str, positions: Positions) -> None:
    """Put all positions on a stream.

    Args:
        cloud: Where it is.
        stream: Its name.
        positions: What to send.

    Raises:
        LocalCloudError: One was refused.
    """
    kinesis, entries = cloud.client("kinesis"), positions.entries
    for start in range(0, len(entries), _SENT_AT_ONCE):
        answer = kinesis.put_records(StreamName=stream, Records=entries[start : start + _SENT_AT_ONCE])
        if answer["FailedRecordCount"]:
            raise LocalCloudError(f"Kinesis refused {answer['FailedRecordCount']} records")


class _Site:
    """The deployed stack."""

    def __init__(self, cloud: LocalCloud, outputs: Outputs) -> None:
        self._cloud = cloud
        self._outputs = outputs
        self.notices: Final = AlarmNotices(cloud, outputs["AlarmTopic"], stack="Zones")
        self._s3 = cloud.client("s3")
        self._began = datetime.now(UTC)

    def send(self, positions: Positions) -> None:
        send(self._cloud, self._outputs["PositionsStream"], positions)

    def read(self) -> Taken:
        """Read what is there now."""
        notices: defaultdict[str, list[bool]] = defaultdict(list)
        for item in sorted(
            _items(self._cloud, self._outputs["NoticesTable"]), key=lambda item: item["change"]["S"]
        ):
            notices[item["zone"]["S"]].append(item["surge"]["BOOL"])
        return Taken(
            at=taken_in(self._cloud, self._outputs["TakenTable"]),
            free={
                item["zone"]["S"]: int(item["free"]["N"])
                for item in _items(self._cloud, self._outputs["ZonesTable"])
                if item["part"]["S"] == _SUMMARY
            },
            failed=[
                (record["eventID"], json.loads(base64.b64decode(record["kinesis"]["data"])))
                for failure in self._objects("PositionsFailures")
                for record in json.loads(failure["payload"])["Records"]
            ],
            elsewhere=len(list(self._objects("ZoneChangesFailures"))),
            notices=notices,
        )

    def fix(self) -> None:
        """Release a handler that knows the new zones."""
        functions, name = self._cloud.client("lambda"), self._outputs["UpdateZonesName"]
        package = changed_code(functions, name, "zones.json", _with_new_zones)
        release(functions, name, _ALIAS, package)

    def ages(
        self, namespace: str, metric: str, *, statistic: str = "Maximum", **dimensions: str
    ) -> list[float]:
        """The data points of an age, one for each second that has one, in order of time."""
        answer = self._cloud.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=self._began - timedelta(minutes=5),
            EndTime=datetime.now(UTC) + timedelta(days=2),
            Period=1,
            Statistics=[statistic],
        )
        points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
        return [point[statistic] for point in points]

    def _objects(self, bucket: str) -> Iterator[Mapping[str, Any]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._outputs[bucket])
        for key in [entry["Key"] for page in pages for entry in page.get("Contents", [])]:
            yield json.load(self._s3.get_object(Bucket=self._outputs[bucket], Key=key)["Body"])


def _items(cloud: LocalCloud, table: str) -> Iterator[Mapping[str, Any]]:
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    for page in pages:
        yield from page["Items"]


def _with_new_zones(zones: bytes) -> bytes:
    return json.dumps([*json.loads(zones), *NEW_ZONES]).encode()
