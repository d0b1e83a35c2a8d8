"""Each limit that an argument can break is one line here: what is given, what the error must say.

An error comes before anything is created: no node is left behind, and the id can be used again.
"""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Duration, Size, Stack, Token
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import InvalidPropsError, PythonFunction, QueueConsumer
from tests.gallery import HANDLERS, function

Arguments = Callable[[Stack], dict[str, Any]]


def said(**arguments: Any) -> Arguments:
    """Arguments that need no stack."""
    return lambda stack: arguments


FUNCTION_LIMITS: list[tuple[str, Arguments, str]] = [
    ("timeout below 1 s", said(timeout=Duration.seconds(0)), "timeout must be 1 to 900 seconds, got 0"),
    ("timeout above 900 s", said(timeout=Duration.seconds(901)), "timeout must be 1 to 900 seconds, got 901"),
    ("timeout with a fraction", said(timeout=Duration.millis(1500)), "timeout must be a whole number, got 1.5"),
    ("timeout as a number", said(timeout=30), "timeout must be a Duration, such as Duration.seconds(30), got 30"),
    ("a variable that is no text", said(environment={"A": 1}), "must have text as values, got 1 (int) for A"),
    ("memory below 128", said(memory_size=64), "memory_size must be 128 to 10,240 MB, got 64"),
    ("memory above 10240", said(memory_size=20_480), "memory_size must be 128 to 10,240 MB, got 20,480"),
    ("memory no number", said(memory_size="512"), "memory_size must be a number, got '512'"),
    ("/tmp below 512", said(ephemeral_storage_size=Size.mebibytes(511)), "ephemeral_storage_size must be 512 to"),
    ("/tmp above 10240", said(ephemeral_storage_size=Size.gibibytes(11)), "10,240 MB, got 11,264"),
    ("environment above 4 KB", said(environment={"SMALL": "x", "LARGE": "x" * 4096}), "at most 4,096 bytes"),
    ("a variable's bytes count", said(environment={"A": "é" * 2048}), "got 4,097"),
    ("more than 5 layers", lambda stack: {"layers": [layer(stack, n) for n in range(6)]}, "at most 5, got 6"),
    ("reserved below 0", said(reserved_concurrent_executions=-1), "reserved_concurrent_executions must be 0"),
    ("deprecated runtime", said(runtime=lambda_.Runtime.PYTHON_3_10), "runtime must be one of python3.11"),
    ("another language", said(runtime=lambda_.Runtime.NODEJS_22_X), "got 'nodejs22.x'"),
    ("handler without a dot", said(handler="app"), "handler must be 'module.function', got 'app'"),
    ("handler's file with a typo", said(handler="ap.handle"), "no ap.py. Did you mean 'app'?"),
    ("handler's function with a typo", said(handler="app.handel"), "Did you mean 'handle'?"),
    ("entry is no folder", said(entry=HANDLERS / "nowhere"), "entry must be a folder"),
    ("bytecode of a Python that is not there", said(bytecode=True, runtime=lambda_.Runtime("python3.99")), "runtime"),
]  # fmt: skip


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


def layer(stack: Stack, number: int) -> lambda_.ILayerVersion:
    return lambda_.LayerVersion.from_layer_version_arn(
        stack, f"Layer{number}", f"arn:aws:lambda:us-east-1:123456789012:layer:many:{number}"
    )


def imported(stack: Stack) -> dict[str, Any]:
    return {"function": lambda_.Function.from_function_name(stack, "Imported", "somebody-elses")}


def reserved(most: int) -> Arguments:
    return lambda stack: {
        "function": function(stack, "Reserved", reserved_concurrent_executions=most),
        "max_concurrency": most + 1,
    }


QUEUE_LIMITS: list[tuple[str, Arguments, str]] = [
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
    ("visibility below 6 x timeout", said(visibility_timeout=Duration.seconds(179)), "at least 180 seconds"),
    ("visibility without the window", said(visibility_timeout=Duration.seconds(180),
     max_batching_window=Duration.seconds(1)), "at least 181 seconds"),
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
        visibility_timeout=Duration.seconds(100))}, "visibility_timeout of queue Stack/Given must be at least 180"),
    ("existing queue, default visibility", lambda stack: {"queue": queue(stack, visibility_timeout=None)}, "got 30"),
    ("existing FIFO queue, large batch", lambda stack: {"queue": queue(stack, fifo=True), "batch_size": 11,
     "max_batching_window": Duration.seconds(1)}, "batch_size of a FIFO queue"),
    ("existing FIFO queue, standard dead letters", lambda stack: {"queue": queue(stack, fifo=True,
        dead_letter_queue=sqs.DeadLetterQueue(queue=sqs.Queue(stack, "D", retention_period=Duration.days(14)),
                                              max_receive_count=5))}, "must both be FIFO"),
]  # fmt: skip


def refused(stack: Stack, construct: Callable[..., Construct], **arguments: Any) -> str:
    """The message of the error; nothing may be left in the tree."""
    before = {child.node.id for child in stack.node.children}
    with pytest.raises(InvalidPropsError) as error:
        construct(stack, "Refused", **arguments)
    assert {child.node.id for child in stack.node.children} == before
    return str(error.value)


@pytest.mark.parametrize(
    ("limit", "arguments", "message"), FUNCTION_LIMITS, ids=[row[0] for row in FUNCTION_LIMITS]
)
def test_python_function_refuses(stack: Stack, limit: str, arguments: Arguments, message: str) -> None:
    given = {"entry": HANDLERS / "plain", "handler": "app.handle", "bytecode": False} | arguments(stack)
    assert message in refused(stack, PythonFunction, **given)


@pytest.mark.parametrize(
    ("limit", "arguments", "message"), QUEUE_LIMITS, ids=[row[0] for row in QUEUE_LIMITS]
)
def test_queue_consumer_refuses(stack: Stack, limit: str, arguments: Arguments, message: str) -> None:
    given = arguments(stack)
    if "function" not in given:
        given["function"] = function(stack)
    assert message in refused(stack, QueueConsumer, **given)


def test_consumers_of_one_function_share_its_reserved_concurrency(stack: Stack) -> None:
    shared = function(stack, reserved_concurrent_executions=10)
    QueueConsumer(stack, "First", function=shared, max_concurrency=6)
    assert "got 5 with 6 of other consumers" in refused(
        stack, QueueConsumer, function=shared, max_concurrency=5
    )
    QueueConsumer(stack, "Second", function=shared, max_concurrency=4)


def test_unresolved_tokens_pass(stack: Stack) -> None:
    """CloudFormation will judge what is known only at deployment."""
    number = Token.as_number({"Ref": "Number"})
    of_tokens = PythonFunction(
        stack,
        "Tokens",
        entry=HANDLERS / "plain",
        handler="app.handle",
        bytecode=False,
        timeout=Duration.seconds(number),
        memory_size=int(number),
        environment={"TOKEN": Token.as_string({"Ref": "Text"}) * 1000},
        reserved_concurrent_executions=int(number),
    )
    QueueConsumer(
        stack,
        "Consumer",
        function=of_tokens,
        batch_size=int(number),
        max_concurrency=int(number),
        max_receive_count=int(number),
        visibility_timeout=Duration.seconds(number),
        retention_period=Duration.seconds(number),
        dead_letter_retention_period=Duration.seconds(number),
        oldest_message_age=Duration.seconds(number),
    )
    QueueConsumer(
        stack,
        "Pollers",
        function=function(stack),
        batch_size=100,
        max_batching_window=Duration.seconds(number),
        minimum_pollers=int(number),
        maximum_pollers=5,
    )
