"""The limits of AsyncDestinations."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_lambda_destinations import SqsDestination

from constructs_lib import AsyncDestinations, LiveAlias
from tests.gallery.parts import bucket, key, live, queue, topic
from tests.gallery.plain_function import function
from tests.limits.table import Arguments, Limits, args, by_name_instead


def itself(argument: str) -> Arguments:
    def arguments(stack: Stack) -> dict[str, object]:
        worker = function(stack)
        return {"function": live(worker), argument: worker}

    return arguments


def fifo(argument: str, kind: type) -> Arguments:
    return lambda stack: {argument: kind(stack, "Fifo", fifo=True)}


def with_a_dead_letter_queue(stack: Stack) -> dict[str, object]:
    worker = function(stack)
    resource = worker.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    resource.dead_letter_config = lambda_.CfnFunction.DeadLetterConfigProperty(
        target_arn=queue(stack).queue_arn
    )
    return {"function": live(worker)}


def configured_twice(stack: Stack) -> dict[str, object]:
    called = live(stack)
    AsyncDestinations(stack, "First", function=called)
    return {"function": called}


_ROWS: list[tuple[str, Arguments, str]] = [
    ("retries below 0", args(retry_attempts=-1), "retry_attempts must be 0 to 2, got -1"),
    ("retries above 2", args(retry_attempts=3), "retry_attempts must be 0 to 2, got 3"),
    ("retries with a fraction", args(retry_attempts=1.5), "retry_attempts must be a whole number, got 1.5"),
    ("age below 60 s", args(max_event_age=Duration.seconds(59)),
     "max_event_age must be 1 minute to 6 hours, got 59 seconds"),
    ("age above 6 h", args(max_event_age=Duration.seconds(21_601)), "1 minute to 6 hours, got 21,601 seconds"),
    ("age with a fraction", args(max_event_age=Duration.millis(60_500)), "max_event_age must be a whole number of"),
    ("age as a number", args(max_event_age=60), "max_event_age must be a Duration"),
    ("alarm at age 0", args(event_age=Duration.seconds(0)), "event_age must be at least 1 second, got 0"),
    ("alarm after events are dropped", args(max_event_age=Duration.minutes(5), event_age=Duration.minutes(5)),
     "event_age must be below max_event_age of 300 seconds, got 300"),
    ("successes to a bucket", lambda stack: {"on_success": bucket(stack)}, "on_success cannot be a bucket"),
    ("successes to a FIFO queue", fifo("on_success", sqs.Queue), "on_success cannot be a FIFO queue"),
    ("failures to a FIFO queue", fifo("on_failure", sqs.Queue), "on_failure cannot be a FIFO queue"),
    ("successes to a FIFO topic", fifo("on_success", sns.Topic), "on_success cannot be a FIFO topic"),
    ("failures to a FIFO topic", fifo("on_failure", sns.Topic), "on_failure cannot be a FIFO topic"),
    ("successes to the function itself", itself("on_success"), "on_success cannot be the function itself"),
    ("failures to the function itself", itself("on_failure"), "on_failure cannot be the function itself"),
    ("failures to a number", args(on_failure=7), "on_failure must be a queue, topic, event bus, function or bucket"),
    ("successes to a number", args(on_success=7), "on_success must be a queue, topic, event bus or function, got 7"),
    ("successes to a LiveAlias", lambda stack: {"on_success": LiveAlias(stack, "Other",
     function=function(stack, "OtherFunction"))},
     "on_success must be a queue, topic, event bus or function, got Stack/Other (LiveAlias). Pass its .alias."),
    ("an imported function without its role", lambda stack: {"function": lambda_.Function.from_function_name(stack,
     "Roleless", "theirs")}, "was imported without its role"),
    ("successes to CDK's destination", lambda stack: {"on_success": SqsDestination(queue(stack))},
     "Pass the queue, topic or function itself, not the destination around it."),
    ("redrive in words", args(redrive="yes"), "redrive must be True or False, got 'yes' (str)"),
    *by_name_instead(function="a function, version or alias", alarm_topic="a topic", encryption_key="a key"),
    ("a key and your own queue", lambda stack: {"on_failure": queue(stack), "encryption_key": key(stack)},
     "encryption_key cannot be combined with on_failure"),
    ("a removal policy and your own topic", lambda stack: {"on_failure": topic(stack),
     "removal_policy": RemovalPolicy.DESTROY}, "removal_policy cannot be combined with on_failure"),
    ("redrive from a topic", lambda stack: {"on_failure": topic(stack), "redrive": True}, "requires a queue"),
    ("a dead-letter queue too", with_a_dead_letter_queue, "has a dead-letter queue"),
    ("a second configuration", configured_twice, "has an asynchronous configuration on live already"),
]  # fmt: skip

DESTINATIONS_LIMITS: Final = Limits(AsyncDestinations, otherwise={"function": live}, rows=_ROWS)
