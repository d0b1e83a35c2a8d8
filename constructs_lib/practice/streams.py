"""Event source mappings of streams: records that block their shard, that are dropped, or that no filter lets pass."""

import json
from collections.abc import Iterator
from typing import Any, Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import Resource
from constructs_lib.practice.event_patterns import UNKNOWN, may_match
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Finding, Rule

_IMAGES: Final = {
    "KEYS_ONLY": (),
    "NEW_IMAGE": ("NewImage",),
    "OLD_IMAGE": ("OldImage",),
    "NEW_AND_OLD_IMAGES": ("NewImage", "OldImage"),
}
"""What a record of a table has, by the view type of its stream.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"""

_OF_EVERY_CHANGE: Final = (
    "ApproximateCreationDateTime",
    "Keys",
    "SequenceNumber",
    "SizeBytes",
    "StreamViewType",
)


def _mappings(flows: Flows) -> Iterator[Resource]:
    for mapping in flows.assembly.of_type("AWS::Lambda::EventSourceMapping"):
        source = mapping.text("EventSourceArn")
        if ":kinesis:" in source or ":dynamodb:" in source:
            yield mapping


def _retries_forever(mapping: Resource) -> bool:
    """Whether neither the retries nor the age of a record have a limit, as is Lambda's own default."""
    limits = (mapping.get("MaximumRetryAttempts"), mapping.get("MaximumRecordAgeInSeconds"))
    return all(limit is None or str(limit) == "-1" for limit in limits)


def _blocking(flows: Flows) -> Iterator[Finding]:
    for mapping in _mappings(flows):
        if _retries_forever(mapping):
            yield Finding(
                mapping,
                f"{mapping.path} sets neither MaximumRetryAttempts nor MaximumRecordAgeInSeconds: a record that always "
                "fails is retried until the stream deletes it.",
            )


def _dropped(flows: Flows) -> Iterator[Finding]:
    for mapping in _mappings(flows):
        config = mapping.get("DestinationConfig")
        has_destination = isinstance(config, str) or mapping.get("DestinationConfig", "OnFailure") is not None
        if not has_destination and not _retries_forever(mapping):
            yield Finding(
                mapping,
                f"{mapping.path} discards records whose retries are exhausted: it has no on-failure destination.",
            )


def _change(images: tuple[str, ...]) -> dict[str, Any]:
    """A record of a table's stream, as `event_patterns` reads it."""
    record = dict.fromkeys(_defaults.TABLE_STREAM_RECORD_KEYS, UNKNOWN)
    return record | {"dynamodb": dict.fromkeys((*_OF_EVERY_CHANGE, *images), UNKNOWN)}


def _matching_nothing(flows: Flows) -> Iterator[Finding]:
    for mapping in _mappings(flows):
        table = flows.assembly.find(mapping.text("EventSourceArn").partition("/stream/")[0])
        view = "" if table is None else table.text("StreamSpecification", "StreamViewType")
        if table is None or view not in _IMAGES:
            continue
        for each in mapping.dicts("FilterCriteria", "Filters"):
            pattern = _read(each.get("Pattern"))
            if may_match(pattern, _change(_IMAGES["NEW_AND_OLD_IMAGES"])) and not may_match(
                pattern, _change(_IMAGES[view])
            ):
                yield Finding(
                    mapping,
                    f"A filter of {mapping.path} asks for an image that the stream of {table.path} does not have: its "
                    f"StreamViewType is {view}.",
                )


def _read(pattern: Any) -> dict[str, Any]:
    """A filter's pattern; empty if it is known only at deployment."""
    try:
        read = json.loads(pattern)
    except (TypeError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


POISON_RECORD_BLOCKS_SHARD: Final = Rule(
    id="poison-record-blocks-shard",
    severity="warning",
    reason="All records behind it in the shard wait, for a day to a year, and may be deleted before they are read.",
    fix="Set MaximumRetryAttempts, BisectBatchOnFunctionError and a destination for failures; KinesisConsumer and "
    "TableStreamConsumer set all of them.",
    source=_defaults.KINESIS_FAILURES,
    find=_blocking,
)

FAILED_RECORDS_DROPPED: Final = Rule(
    id="failed-records-dropped",
    severity="warning",
    reason="Lambda discards a record whose retries are exhausted, without a trace.",
    fix="Set DestinationConfig.OnFailure to a bucket, which keeps the records themselves, or to a queue or a topic.",
    source=_defaults.KINESIS_FAILURES,
    find=_dropped,
)

FILTER_MATCHES_NOTHING: Final = Rule(
    id="filter-matches-nothing",
    severity="error",
    reason="Lambda skips every record that matches no filter: the function never gets one by this filter.",
    fix="Set the StreamViewType of the table to NEW_AND_OLD_IMAGES, or filter by Keys or eventName. A new view type is "
    "a new stream: see docs/streams.md.",
    source=_defaults.TABLE_STREAM_FILTERING,
    find=_matching_nothing,
)

RULES: Final = (POISON_RECORD_BLOCKS_SHARD, FAILED_RECORDS_DROPPED, FILTER_MATCHES_NOTHING)
