"""Where the record of an asynchronous invocation goes: a queue, topic, bus, function or (of a failure) bucket.

The function's role must be allowed to send it there, where IAM is enforced; what it may not send is lost, as on AWS.
The developer's guide gives `aws.lambda` for the source of an event on a bus; the CDK's own page, and the events that
people show, have `lambda`.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html,
https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_lambda_destinations-readme.html
"""

import json
import uuid
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from ministack.services import eventbridge, s3

from . import by_arn, invocation_record, messages
from .called_function import CalledFunction


def deliver(arn: str, record: dict[str, Any], function: CalledFunction) -> None:
    """Hand a record to its destination.

    Args:
        arn: The destination's.
        record: The record.
        function: As it was called.

    Raises:
        messages.DeliveryRefusedError: It cannot be delivered.
    """
    service = arn.split(":")[2]
    if service in ("sqs", "sns"):
        messages.send(arn, json.dumps(record), {}, function)
    elif service == "events":
        _put_event(arn, record, function)
    elif service == "lambda":
        _invoke(arn, record, function)
    elif record["requestContext"]["condition"] == invocation_record.SUCCESS:
        raise messages.DeliveryRefusedError("a bucket takes failures only")
    else:
        now = datetime.now(UTC)
        key = f"aws/lambda/async/{function.name}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        put_object(arn, key, record, function)


def _put_event(arn: str, record: dict[str, Any], function: CalledFunction) -> None:
    name = arn.rpartition("/")[2]
    eventbridge._ensure_default_bus()
    if name not in eventbridge._event_buses:
        raise messages.DeliveryRefusedError("there is no such bus")
    messages.require_permission(function, "events:PutEvents", arn)
    succeeded = record["requestContext"]["condition"] == invocation_record.SUCCESS
    entry = {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {'Success' if succeeded else 'Failure'}",
        "Detail": json.dumps(record),
        "EventBusName": name,
        "Resources": [arn, function.arn],
    }
    eventbridge._put_events({"Entries": [entry]})


def _invoke(arn: str, record: dict[str, Any], function: CalledFunction) -> None:
    if not by_arn.exists(arn):
        raise messages.DeliveryRefusedError("there is no such function")
    messages.require_permission(function, "lambda:InvokeFunction", arn)
    by_arn.invoke_asynchronously(arn, record)


def put_object(arn: str, key: str, record: dict[str, Any], function: CalledFunction) -> None:
    """Put a record into a bucket.

    Args:
        arn: The bucket's.
        key: The object's.
        record: What it contains.
        function: In whose name.

    Raises:
        messages.DeliveryRefusedError: It cannot be put there.
    """
    bucket = arn.rpartition(":")[2]
    messages.require_permission(function, "s3:ListBucket", arn)
    messages.require_permission(function, "s3:PutObject", f"{arn}/{key}")
    messages.require_key_permission(function, _key_of(bucket))
    headers = {"content-type": "application/json"}
    status, _, answer = s3._put_object(bucket, key, json.dumps(record).encode(), headers)
    if status >= 400:
        raise messages.DeliveryRefusedError(str(answer))


def _key_of(bucket: str) -> str | None:
    """Your own key, which a bucket encrypts with."""
    encryption = s3._bucket_encryption.get(bucket)
    if not encryption:
        return None
    found = ElementTree.fromstring(encryption).iter()  # noqa: S314 - the emulator has read it before
    return next((each.text for each in found if each.tag.rpartition("}")[2] == "KMSMasterKeyID"), None)
