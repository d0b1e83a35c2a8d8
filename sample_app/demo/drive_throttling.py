"""Throttle three functions of the sample app, keep sending, and count what came of it.

Each gets a reserved concurrency of 1: one that a bus calls, one behind a function URL, and one that reads a queue.
Every figure is read back from the buckets, the database, the queues and the metrics. The alarms on throttles want two
minutes of them, for which nobody waits here.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

from constructs_lib.local import LocalCloud, LocalCloudError
from constructs_lib.local.http_calls import Caller
from sample_app.demo.drive import Outputs, depth, send
from sample_app.demo.drive_receipts import send_trips
from sample_app.demo.finished_trips import Detail, make_finished_trips
from sample_app.demo.trips import Message, make_rehearsal

FUNCTIONS: Final = ("MakeReceiptName", "DownloadReceiptName", "CompleteTripName")
_PART: Final = 10
_LEAST_PARTS, _MOST_PARTS = 3, 30
_TRIES: Final = 1000

Tell = Callable[[str], None]


@dataclass(frozen=True)
class ThrottlingOutcome:
    """What came of what was sent while three functions were throttled.

    Attributes:
        events: Events sent to the bus.
        receipts: How many of them have a receipt.
        failures: Records in the failure queue of receipts that were not there before.
        requests: Requests sent to the function URL.
        refused: How often such a request was answered with 429, and sent again.
        downloads: Requests that were answered with the receipt in the end.
        messages: Messages sent to the queue.
        dead: How many of them were received so often that they went to the dead-letter queue, and were sent again.
        stored: How many of their trips are stored.
        left: Messages that are left in the queue, and of these in the dead-letter queue.
        throttles: Throttled invocations of each function, as Lambda counts them.
    """

    events: int
    receipts: int
    failures: int
    requests: int
    refused: int
    downloads: int
    messages: int
    dead: int
    stored: int
    left: int
    throttles: dict[str, int]


def rehearse(
    cloud: LocalCloud, outputs: Outputs, admin: psycopg.Connection, seed: int, tell: Tell
) -> ThrottlingOutcome:
    """Throttle, send until each function was throttled, and wait for all of it.

    Args:
        cloud: With the sample app deployed.
        outputs: Of the sample app.
        admin: The database's superuser.
        seed: Of what is sent.
        tell: Is told how far it is.

    Returns:
        Everything that is judged.
    """
    site = _Site(cloud, outputs, seed)
    with site.throttled():
        tell("sending to functions that are throttled")
        for part in range(_MOST_PARTS):
            site.send()
            if part + 1 >= _LEAST_PARTS and all(site.throttles().values()):
                break
        tell("waiting for what was sent")
        cloud.wait_until_idle()
    dead = site.redrive()
    cloud.wait_until_idle()
    return site.read(admin, dead)


class _Site:
    """The deployed stacks, and what was sent to them."""

    def __init__(self, cloud: LocalCloud, outputs: Outputs, seed: int) -> None:
        self._cloud = cloud
        self._outputs = outputs
        self._sqs, self._lambda, self._s3 = (cloud.client(name) for name in ("sqs", "lambda", "s3"))
        self._caller = Caller(cloud, "throttled-partner")
        self._caller.allow_only(
            "lambda:InvokeFunctionUrl", "lambda:InvokeFunction", on=outputs["DownloadsAlias"]
        )
        self._began = datetime.now(UTC)
        self._throttled_before = self._counted()
        self._failures_before = depth(self._sqs, outputs["FailureQueueUrl"])
        most = _PART * _MOST_PARTS
        finished = make_finished_trips(seed, trips=most, impossible=0, flaky=0)
        rehearsal = make_rehearsal(seed + 1, completed=most, duplicated=0, flaky=0)
        self._to_bus: Iterator[tuple[str, Detail]] = iter(finished.details.items())
        self._to_queue = iter(each for each in rehearsal.messages if each.trip_id in rehearsal.stored)
        self._events: list[str] = []
        self._messages: list[str] = []
        self._answers: list[tuple[bool, int]] = []

    @contextmanager
    def throttled(self) -> Iterator[None]:
        """Reserve a concurrency of 1 for each function, and then what was reserved before."""
        names = [self._outputs[function] for function in FUNCTIONS]
        before = {
            name: self._lambda.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
            for name in names
        }
        for name in names:
            self._lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
        yield
        for name, reserved in before.items():
            if reserved is None:
                self._lambda.delete_function_concurrency(FunctionName=name)
            else:
                self._lambda.put_function_concurrency(
                    FunctionName=name, ReservedConcurrentExecutions=reserved
                )

    def send(self) -> None:
        """Send as much again to each of them, the requests all at a time."""
        events = [next(self._to_bus) for _ in range(_PART)]
        send_trips(self._cloud, self._outputs, [detail for _, detail in events])
        self._events += [trip_id for trip_id, _ in events]
        messages: list[Message] = [next(self._to_queue) for _ in range(_PART)]
        send(self._sqs, self._outputs["QueueUrl"], tuple(messages))
        self._messages += [message.trip_id for message in messages]
        first = len(self._answers)
        with ThreadPoolExecutor(_PART) as threads:
            self._answers += threads.map(self._download, range(first, first + _PART))

    def _download(self, number: int) -> tuple[bool, int]:
        """Ask for a receipt until the answer is another than 429: whether it came, and how often it was 429."""
        trip_id = f"throttled-{number:04}"
        document = json.dumps({"trip_id": trip_id}).encode()
        self._s3.put_object(
            Bucket=self._outputs["ArchiveBucket"], Key=f"receipts/{trip_id}.json", Body=document
        )
        url = f"{self._cloud.api_url(self._outputs['DownloadsUrl'])}{trip_id}"
        for refused in range(_TRIES):
            answer = self._caller.call(url, service="lambda")
            if answer.status != 429:
                return (answer.status, answer.body) == (200, document), refused
            time.sleep(0.1)
        raise LocalCloudError(f"{url} was answered with 429 {_TRIES} times.")

    def throttles(self) -> dict[str, int]:
        """How often each function was throttled since this began."""
        return {name: count - self._throttled_before[name] for name, count in self._counted().items()}

    def _counted(self) -> dict[str, int]:
        return {function: self._throttles_of(self._outputs[function]) for function in FUNCTIONS}

    def _throttles_of(self, name: str) -> int:
        points = self._cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Throttles",
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=self._began - timedelta(hours=1),
            EndTime=datetime.now(UTC) + timedelta(minutes=2),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return int(sum(point["Sum"] for point in points))

    def redrive(self) -> int:
        """Send the messages again that were received too often while the function was throttled."""
        dead = list(self._dead())
        for message in dead:
            self._sqs.send_message(
                QueueUrl=self._outputs["QueueUrl"],
                MessageBody=message["Body"],
                MessageAttributes=message["MessageAttributes"],
            )
            self._sqs.delete_message(
                QueueUrl=self._outputs["DeadLetterQueueUrl"], ReceiptHandle=message["ReceiptHandle"]
            )
        return len(dead)

    def _dead(self) -> Iterator[dict[str, Any]]:
        """The messages in the dead-letter queue that were sent here; the others are of an earlier part."""
        while messages := self._sqs.receive_message(
            QueueUrl=self._outputs["DeadLetterQueueUrl"],
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=30,
        ).get("Messages", []):
            for message in messages:
                if message["MessageAttributes"]["trip_id"]["StringValue"] in self._messages:
                    yield message

    def read(self, admin: psycopg.Connection, dead: int) -> ThrottlingOutcome:
        """Read what is there now."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._outputs["ReceiptsBucket"])
        receipts = {each["Key"] for page in pages for each in page.get("Contents", [])}
        row = admin.execute("SELECT count(*) FROM trip WHERE trip_id = ANY(%s)", (self._messages,)).fetchone()
        return ThrottlingOutcome(
            events=len(self._events),
            receipts=sum(f"receipts/{trip_id}.json" in receipts for trip_id in self._events),
            failures=depth(self._sqs, self._outputs["FailureQueueUrl"]) - self._failures_before,
            requests=len(self._answers),
            refused=sum(refused for _, refused in self._answers),
            downloads=sum(came for came, _ in self._answers),
            messages=len(self._messages),
            dead=dead,
            stored=int(row[0]) if row else 0,
            left=depth(self._sqs, self._outputs["QueueUrl"]) + len(list(self._dead())),
            throttles=self.throttles(),
        )


def differences(outcome: ThrottlingOutcome) -> list[str]:
    """Everything that is not as it must be.

    Args:
        outcome: What was read back.

    Returns:
        One line for each difference; none if all is well.
    """
    return [
        f"while functions are throttled: {what} must be {must}, is {is_}"
        for what, is_, must in (
            ("receipts of events", outcome.receipts, outcome.events),
            ("records in the failure queue", outcome.failures, 0),
            ("downloads", outcome.downloads, outcome.requests),
            ("trips stored of messages", outcome.stored, outcome.messages),
            ("messages left", outcome.left, 0),
            ("functions that were throttled", {each for each, n in outcome.throttles.items() if n}, set(FUNCTIONS)),
            ("whether a request was answered with 429", outcome.refused > 0, True),
        )
        if is_ != must
    ]  # fmt: skip
