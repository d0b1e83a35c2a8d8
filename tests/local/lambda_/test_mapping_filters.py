"""Each operator of a filter that AWS lists, and both sources of streams.

Held to https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax,
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks, stream_stacks
from tests.local.async_stacks import get

pytestmark = pytest.mark.cloud

RECORDS: list[dict[str, Any]] = [
    {"name": "a", "place": "New York", "count": 5},
    {"name": "b", "place": "new york", "count": 150},
    {"name": "c", "place": "", "count": None},
    {"name": "d", "extra": True},
]
FILTERS: list[tuple[dict[str, Any], str]] = [
    ({"count": [None]}, "c"),
    ({"place": [""]}, "c"),
    ({"place": ["New York"]}, "a"),
    ({"place": [{"equals-ignore-case": "New York"}]}, "ab"),
    ({"place": ["new york"], "count": [150]}, "b"),
    ({"name": ["a", "d"]}, "ad"),
    ({"$or": [{"place": ["New York"]}, {"extra": [True]}]}, "ad"),
    ({"name": [{"anything-but": ["a", "b"]}]}, "cd"),
    ({"count": [{"numeric": [">", 5, "<=", 150]}]}, "b"),
    ({"extra": [{"exists": True}]}, "d"),
    ({"extra": [{"exists": False}]}, "abc"),
    ({"place": [{"prefix": "New"}]}, "a"),
    ({"place": [{"suffix": "york"}]}, "b"),
]


def test_each_operator_of_a_filter(cloud: LocalCloud, tmp_path: Path) -> None:
    log = tmp_path / "log"
    ids = stream_stacks.consume(cloud, "filters", log, [])
    kept = []
    for pattern, _ in FILTERS:
        filters = {"Filters": [{"Pattern": json.dumps({"data": pattern})}]}
        cloud.client("lambda").update_event_source_mapping(UUID=ids["Mapping"], FilterCriteria=filters)
        before = len(stream_stacks.batches(log))
        stream_stacks.put(cloud, ids["Stream"], RECORDS)
        cloud.wait_until_idle()
        kept.append("".join(stream_stacks.batches(log)[before:]))
    assert kept == [names for _, names in FILTERS]


TABLE = """
def handler(event, context):
    with open("{log}", "a") as log:
        log.write("".join(each["dynamodb"]["Keys"]["id"]["S"] for each in event["Records"]))
"""


def test_a_filter_of_a_table_reads_its_images(cloud: LocalCloud, tmp_path: Path) -> None:
    log = tmp_path / "log"
    pattern = {"dynamodb": {"NewImage": {"kept": {"BOOL": [True]}}}}
    filters = {"Filters": [{"Pattern": json.dumps(pattern)}]}
    resources = stream_stacks.function(log, TABLE) | {
        "Table": stream_stacks.table(),
        "Mapping": stream_stacks.mapping(get("Table", "StreamArn"), FilterCriteria=filters),
    }
    ids = stacks.put(cloud, "filtered-table", resources)
    for name, kept in (("a", True), ("b", False), ("c", True)):
        item = {"id": {"S": name}, "kept": {"BOOL": kept}}
        cloud.client("dynamodb").put_item(TableName=ids["Table"], Item=item)
    cloud.wait_until_idle()
    assert log.read_text() == "ac"
