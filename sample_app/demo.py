"""Deploy the sample app on this machine, send it 200 trips, and hold what came of them against what must.

Every figure is read back from the table, the queues and the emulator; nothing is taken from what the handler
says of itself.
"""

import random
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from constructs_lib.local import LocalCloud, LocalCloudError
from constructs_lib.local.evidence import EVIDENCE
from sample_app.trips import Message, Rehearsal, make_rehearsal

_PROJECT = Path(__file__).resolve().parent.parent
_TRIES = 5
_FAILURES_OF_FLAKY = 2


@dataclass(frozen=True)
class Outcome:
    """What was read back.

    Attributes:
        stored: Items of the table by trip id, with the fields that were sent.
        receives: How often each dead letter was received before, by trip id; one entry a message.
        left: Messages that are still in the source queue.
        fault_hits: How often the table refused each flaky trip, by trip id.
    """

    stored: dict[str, dict[str, str]]
    receives: list[tuple[str, int]]
    left: int
    fault_hits: dict[str, int]


def main(
    seed: Annotated[int | None, typer.Option(help="Repeat the trips of an earlier run.")] = None,
    state: Annotated[Path, typer.Option(help="Where the emulator is installed and kept.")] = _PROJECT
    / ".cache/local",
) -> None:
    """Deploy the sample app on this machine, drive it, and check what came of it."""
    console = Console(highlight=False, width=100 if not sys.stdout.isatty() else None)
    rehearsal = make_rehearsal(random.SystemRandom().randrange(10**6) if seed is None else seed)
    console.print(f"Seed {rehearsal.seed}: repeat this run with --seed {rehearsal.seed}")
    seconds: dict[str, float] = {}
    try:
        outcome = _rehearse(rehearsal, state, console, seconds)
    except LocalCloudError as error:
        console.print(f"\n{error}", style="red", markup=False)
        raise typer.Exit(1) from None
    _show(rehearsal, outcome, seconds, console)
    wrong = differences(rehearsal, outcome)
    for line in wrong:
        console.print(f"WRONG: {line}", style="red", markup=False)
    if wrong:
        raise typer.Exit(1)
    console.print("Every figure is as it must be.", style="green")


def differences(rehearsal: Rehearsal, outcome: Outcome) -> list[str]:
    """Everything that is not as it must be.

    Args:
        rehearsal: What was sent.
        outcome: What was read back.

    Returns:
        One line for each difference; none if all is well.
    """
    wrong = []
    missing = sorted(set(rehearsal.stored) - set(outcome.stored))
    foreign = sorted(set(outcome.stored) - set(rehearsal.stored))
    if missing:
        wrong.append(f"{len(missing)} trips are not in the table: {', '.join(missing[:5])}")
    if foreign:
        wrong.append(f"{len(foreign)} trips are in the table and should not be: {', '.join(foreign[:5])}")
    for trip_id, trip in rehearsal.stored.items():
        read = outcome.stored.get(trip_id)
        if read is None:
            continue
        for name, sent in vars(trip).items():
            if not _same(sent, read.get(name)):
                wrong.append(f"{trip_id} was sent with {name} {sent} and is stored with {read.get(name)}")
    dead = Counter(trip_id for trip_id, _ in outcome.receives)
    if dead != Counter(list(rehearsal.poison)):
        wrong.append(f"dead letters must be {sorted(rehearsal.poison)}, are {sorted(dead.elements())}")
    wrong += [
        f"{trip_id} is a dead letter after {receives} receives, must be after {_TRIES}"
        for trip_id, receives in outcome.receives
        if receives != _TRIES
    ]
    if outcome.left:
        wrong.append(f"{outcome.left} messages are still in the queue")
    wrong += [
        f"{trip_id} must be refused {_FAILURES_OF_FLAKY} times before it is stored, was {hits} times"
        for trip_id in sorted(rehearsal.flaky)
        if (hits := outcome.fault_hits.get(trip_id, 0)) != _FAILURES_OF_FLAKY
    ]
    return wrong


def _same(sent: object, read: str | None) -> bool:
    """Compare a fact with what was read; 2.80 km is 2.8 km."""
    if read is None or not isinstance(sent, Decimal):
        return str(sent) == read
    return sent == Decimal(read)


def _rehearse(rehearsal: Rehearsal, state: Path, console: Console, seconds: dict[str, float]) -> Outcome:
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("")

        def phase(name: str, started: float) -> float:
            now = time.monotonic()
            seconds[name] = now - started
            if not console.is_terminal:
                console.print(f"  {name}: {seconds[name]:.1f} s")
            return now

        now = time.monotonic()
        progress.update(task, description="starting the local cloud")
        with LocalCloud(state=state) as cloud:
            now = phase("start the local cloud", now)
            progress.update(task, description="cdk deploy")
            outputs = cloud.deploy(app=shlex.join([sys.executable, "-m", "sample_app.app"]), cwd=_PROJECT)[
                "Trips"
            ]
            now = phase("cdk synth, bootstrap, deploy", now)
            if "DeadLetterQueueUrl" not in outputs:
                raise LocalCloudError("the sample app was deployed without a dead-letter queue.")
            for trip_id in sorted(rehearsal.flaky):
                cloud.inject_fault(
                    service="dynamodb",
                    operation="PutItem",
                    containing=trip_id,
                    error_code="TransactionConflictException",
                    times=_FAILURES_OF_FLAKY,
                )
            sqs = cloud.client("sqs")
            progress.update(task, description=f"sending {len(rehearsal.messages)} messages")
            _send(sqs, outputs["QueueUrl"], rehearsal.messages)
            now = phase("send", now)
            _wait(cloud, sqs, outputs, lambda text: progress.update(task, description=text))
            now = phase("handle, retry, dead-letter", now)
            progress.update(task, description="reading back")
            outcome = _read_back(cloud, sqs, outputs)
            now = phase("read back", now)
        phase("stop and delete everything", now)
    return outcome


def _send(sqs: Any, url: str, messages: tuple[Message, ...]) -> None:
    for start in range(0, len(messages), 10):
        entries = [
            {
                "Id": str(index),
                "MessageBody": message.body,
                "MessageAttributes": {"trip_id": {"DataType": "String", "StringValue": message.trip_id}},
            }
            for index, message in enumerate(messages[start : start + 10])
        ]
        refused = sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])
        if refused:
            raise LocalCloudError(f"SQS refused {len(refused)} messages: {refused[0]}")


def _wait(cloud: LocalCloud, sqs: Any, outputs: dict[str, str], tell: Callable[[str], None]) -> None:
    """Until the queue is empty; a function that crashes is reported at once."""
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        left, dead = _depth(sqs, outputs["QueueUrl"]), _depth(sqs, outputs["DeadLetterQueueUrl"])
        tell(f"handling: {left} messages in the queue, {dead} dead letters")
        if left == 0:
            return
        crashed = cloud.failed_invocations()
        if len(crashed) >= 3:
            last = crashed[-1]
            raise LocalCloudError(
                f"the function {last['function']} fails:\n{last['log'].strip() or last['error']}"
            )
        time.sleep(0.25)
    # What is still in the queue is one of the figures.


def _depth(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def _read_back(cloud: LocalCloud, sqs: Any, outputs: dict[str, str]) -> Outcome:
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=outputs["TableName"])
    items = [
        {name: str(next(iter(value.values()))) for name, value in item.items()}
        for page in pages
        for item in page["Items"]
    ]
    receives: list[tuple[str, int]] = []
    while messages := sqs.receive_message(
        QueueUrl=outputs["DeadLetterQueueUrl"],
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["ApproximateReceiveCount"],
    ).get("Messages", []):
        for message in messages:
            trip_id = message["MessageAttributes"]["trip_id"]["StringValue"]
            # The count goes with the message into the dead-letter queue; this receive is ours.
            receives.append((trip_id, int(message["Attributes"]["ApproximateReceiveCount"]) - 1))
    return Outcome(
        stored={item["trip_id"]: item for item in items},
        receives=receives,
        left=_depth(sqs, outputs["QueueUrl"]),
        fault_hits={fault["containing"]: fault["hits"] for fault in cloud.faults()},
    )


def _show(rehearsal: Rehearsal, outcome: Outcome, seconds: dict[str, float], console: Console) -> None:
    sent, stored, dead = len(rehearsal.messages), len(outcome.stored), len(outcome.receives)
    retried = sum(1 for hits in outcome.fault_hits.values() if hits == _FAILURES_OF_FLAKY)
    figures = Table(title="Completed trips", title_justify="left")
    for heading in ("what", "is", "must be"):
        figures.add_column(heading, justify="left" if heading == "what" else "right")
    for what, is_, must in (
        ("messages sent", sent, sent),
        ("trips stored, each once", stored, len(rehearsal.stored)),
        ("duplicates dropped", sent - stored - dead - outcome.left, len(rehearsal.duplicated)),
        ("trips that failed twice and were retried", retried, len(rehearsal.flaky)),
        ("messages in the dead-letter queue", dead, len(rehearsal.poison)),
        ("messages left in the queue", outcome.left, 0),
    ):
        figures.add_row(what, str(is_), str(must), style=None if is_ == must else "red")
    console.print(figures)

    poison = Table(title="In the dead-letter queue", title_justify="left")
    for heading in ("trip", "poison", "received"):
        poison.add_column(heading, justify="right" if heading == "received" else "left")
    for trip_id, count in sorted(outcome.receives):
        kind = rehearsal.poison.get(trip_id)
        poison.add_row(trip_id, kind.value if kind else "(should not be here)", f"{count} times")
    console.print(poison)

    evidence = Table(title="Who vouches for it", title_justify="left")
    evidence.add_column("what happened here")
    evidence.add_column("is the doing of")
    for entry in EVIDENCE:
        evidence.add_row(entry.behaviour, entry.voucher.value)
    console.print(evidence)
    console.print("Seconds: " + ", ".join(f"{name} {took:.1f}" for name, took in seconds.items()))


if __name__ == "__main__":
    typer.run(main)
