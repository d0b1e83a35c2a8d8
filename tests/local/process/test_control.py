"""Faults on demand: so many calls of one operation whose request contains a text."""

import botocore.exceptions
import pytest

from constructs_lib.local import LocalCloud

pytestmark = pytest.mark.cloud


def test_a_fault_meets_so_many_calls_of_that_operation_with_that_text(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    table = {"TableName": "faults"}
    dynamodb.create_table(
        **table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    # No retries of the SDK's own: each call is one call.
    once = cloud.client("dynamodb", retries={"total_max_attempts": 1})
    cloud.inject_fault(
        service="dynamodb",
        operation="PutItem",
        containing="trip-7",
        error_code="ThrottlingException",
        times=2,
    )

    def code(call: str, id_: str) -> str:
        key = "Item" if call == "put_item" else "Key"
        try:
            getattr(once, call)(**table, **{key: {"id": {"S": id_}}})
        except botocore.exceptions.ClientError as error:
            return str(error.response["Error"]["Code"])
        return "ok"

    calls = [
        code("put_item", "trip-8"),
        code("get_item", "trip-7"),
        code("put_item", "trip-7"),
        code("put_item", "trip-7"),
        code("put_item", "trip-7"),
    ]
    assert calls == ["ok", "ok", "ThrottlingException", "ThrottlingException", "ok"]
    [fault] = [fault for fault in cloud.faults() if fault["containing"] == "trip-7"]
    assert (fault["hits"], fault["times"]) == (2, 2)
    assert {item["id"]["S"] for item in dynamodb.scan(**table)["Items"]} == {"trip-7", "trip-8"}


def test_a_fault_meets_objects_of_s3_by_their_path(cloud: LocalCloud) -> None:
    s3 = cloud.client("s3", retries={"total_max_attempts": 1})
    s3.create_bucket(Bucket="faults")
    cloud.inject_fault(
        service="s3", operation="PutObject", containing="trip-9", error_code="SlowDown", times=1, status=503
    )
    s3.put_object(Bucket="faults", Key="trip-8", Body=b"8")
    with pytest.raises(botocore.exceptions.ClientError, match="SlowDown"):
        s3.put_object(Bucket="faults", Key="trip-9", Body=b"9")
    s3.put_object(Bucket="faults", Key="trip-9", Body=b"9")
    assert s3.get_object(Bucket="faults", Key="trip-9")["Body"].read() == b"9"
