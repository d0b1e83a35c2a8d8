"""A queue of the demo's own, that a service sends to: what comes out of the sample app is read there."""

import json
from collections.abc import Iterator
from typing import Any


def make_queue(sqs: Any, name: str, service: str) -> tuple[str, str]:
    """Make a queue that a service may send to.

    Args:
        sqs: A client.
        name: Of the queue.
        service: Its principal, such as `sns.amazonaws.com`.

    Returns:
        The queue's URL and its ARN.
    """
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    arn: str = attributes["QueueArn"]
    may_send = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may_send]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def take(sqs: Any, url: str) -> Iterator[str]:
    """Take all messages out of a queue.

    Args:
        sqs: A client.
        url: Of the queue.

    Yields:
        The body of each message, which is deleted after that.
    """
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            yield message["Body"]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
