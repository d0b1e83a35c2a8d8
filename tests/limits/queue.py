"""The limits of QueueConsumer."""

from typing import Any, Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from constructs_lib import QueueConsumer
from tests.gallery.plain_function import function
from tests.limits.table import Arguments, Limits, said


def queue(stack: Stack, construct_id: str = "Given", **arguments: Any) -> sqs.Queue:
    """An existing queue, in order unless told otherwise."""
    dead = sqs.Queue(
        stack, f"{construct_id}Dead", retention_period=Duration.days(14), fifo=arguments.get("fifo")
    )
    right: dict[str, Any] = {
        "visibility_timeout": Duration.minutes(5),
        "dead_letter_queue": sqs.DeadLetterQueue(queue=dead, max_receive_count=5),
    }
    return sqs.Queue(stack, construct_id, **(right | arguments))


def imported(stack: Stack) -> dict[str, Any]:
    return {"function": lambda_.Function.from_function_name(stack, "Imported", "somebody-elses")}


def reserved(most: int) -> Arguments:
    return lambda stack: {
        "function": function(stack, "Reserved", reserved_concurrent_executions=most),
        "max_concurrency": most + 1,
    }


_ROWS: list[tuple[str, Arguments, str]] = [
    ("batch size 0", said(batch_size=0), "batch_size must be 1 to 10,000, got 0"),
    ("batch size above 10000", said(batch_size=10_001), "batch_size must be 1 to 10,000, got 10,001"),
    ("FIFO batch above 10", said(fifo=True, batch_size=11), "batch_size of a FIFO queue must be 1 to 10, got 11"),
    ("batch above 10 without a window", said(batch_size=11), "max_batching_window must be at least 1 second"),
    ("batch above 10, window 0", said(batch_size=100, max_batching_window=Duration.seconds(0)), "at least 1 second"),
    ("window above 300 s", said(max_batching_window=Duration.seconds(301)), "0 to 300 seconds, got 301"),
    ("FIFO with a window", said(fifo=True, max_batching_window=Duration.seconds(5)), "not for a FIFO queue"),
    ("max concurrency 0", said(max_concurrency=0), "max_concurrency must be 2 to 1,000, got 0"),
    ("max concurrency 1", said(max_concurrency=1), "max_concurrency must be 2 to 1,000, got 1"),
    ("max concurrency above 1000", said(max_concurrency=1001), "max_concurrency must be 2 to 1,000, got 1,001"),
    ("reserved below max concurrency", reserved(5), "reserved concurrency of 5, got 6"),
    ("minimum pollers below 2", said(minimum_pollers=1), "minimum_pollers must be 2 to 200, got 1"),
    ("minimum pollers above 200", said(minimum_pollers=201), "minimum_pollers must be 2 to 200, got 201"),
    ("maximum pollers below 2", said(maximum_pollers=1), "maximum_pollers must be 2 to 2,000, got 1"),
    ("maximum pollers above 2000", said(maximum_pollers=2001), "maximum_pollers must be 2 to 2,000, got 2,001"),
    ("minimum above maximum", said(minimum_pollers=10, maximum_pollers=5), "got 10 > 5"),
    ("pollers and concurrency", said(minimum_pollers=2, max_concurrency=5), "max_concurrency and minimum_pollers"),
    ("maximum pollers and concurrency", said(maximum_pollers=5, max_concurrency=5), "and maximum_pollers cannot"),
    ("fewer than 5 receives", said(max_receive_count=4), "max_receive_count must be 5 to 1,000, got 4"),
    ("more than 1000 receives", said(max_receive_count=1001), "max_receive_count must be 5 to 1,000, got 1,001"),
    ("visibility below 6 x timeout", said(visibility_timeout=Duration.seconds(173)), "at least 174 seconds"),
    ("visibility without the window", said(visibility_timeout=Duration.seconds(174),
     max_batching_window=Duration.seconds(1)), "at least 175 seconds"),
    ("visibility above 12 h", said(visibility_timeout=Duration.seconds(43_201)), "0 to 43,200 seconds, got 43,201"),
    ("visibility of an unknown timeout", imported, "visibility_timeout must be said"),
    ("retention below 60 s", said(retention_period=Duration.seconds(59)), "60 to 1,209,600 seconds, got 59"),
    ("retention above 14 d", said(retention_period=Duration.days(15)), "retention_period must be 60 to"),
    ("dead letters above 14 d", said(dead_letter_retention_period=Duration.days(15)), "dead_letter_retention_period"),
    ("dead letters kept no longer", said(retention_period=Duration.days(14)), "must be longer than the source's"),
    ("more than 5 filters", said(filters=[{"body": {}}] * 6), "filters must be at most 5, got 6"),
    ("a filter that is no JSON", said(filters=[{"body": {1, 2}}]), "filters must be JSON"),
    ("visibility as a number", said(visibility_timeout=180), "visibility_timeout must be a Duration"),
    ("deduplication without FIFO", said(content_based_deduplication=True), "needs fifo=True"),
    ("alarm at age 0", said(oldest_message_age=Duration.seconds(0)), "oldest_message_age must be at least 1 second"),
    ("dead-letter queue without queue", lambda stack: {"dead_letter_queue": queue(stack)}, "goes with an imported"),
    ("existing queue and its settings", lambda stack: {"queue": queue(stack), "fifo": True,
     "retention_period": Duration.days(1)}, "retention_period and fifo cannot be given together with queue"),
    ("existing queue without dead letters", lambda stack: {"queue": queue(stack, dead_letter_queue=None)},
     "has no dead-letter queue"),
    ("existing queue, 3 receives", lambda stack: {"queue": queue(stack, dead_letter_queue=sqs.DeadLetterQueue(
        queue=sqs.Queue(stack, "D", retention_period=Duration.days(14)), max_receive_count=3))},
     "max_receive_count of queue Stack/Given must be 5 to 1,000, got 3"),
    ("existing queue, dead letters kept no longer", lambda stack: {"queue": queue(stack,
        retention_period=Duration.days(14))}, "must be longer than the source's"),
    ("existing queue, short visibility", lambda stack: {"queue": queue(stack,
        visibility_timeout=Duration.seconds(100))}, "visibility_timeout of queue Stack/Given must be at least 174"),
    ("existing queue, default visibility", lambda stack: {"queue": queue(stack, visibility_timeout=None)}, "got 30"),
    ("existing FIFO queue, large batch", lambda stack: {"queue": queue(stack, fifo=True), "batch_size": 11,
     "max_batching_window": Duration.seconds(1)}, "batch_size of a FIFO queue"),
    ("existing FIFO queue, standard dead letters", lambda stack: {"queue": queue(stack, fifo=True,
        dead_letter_queue=sqs.DeadLetterQueue(queue=sqs.Queue(stack, "D", retention_period=Duration.days(14)),
                                              max_receive_count=5))}, "must both be FIFO"),
]  # fmt: skip

QUEUE_LIMITS: Final = Limits(
    QueueConsumer,
    otherwise={"function": function},
    rows=_ROWS,
)
