"""The limits of DurableExecutions."""

from typing import Final

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from constructs_lib import DurableExecutions
from tests.gallery.durable import durable_function, durable_live
from tests.gallery.parts import key, live, queue
from tests.limits.table import Arguments, Limits, args, by_name_instead


def of_another_stack(stack: Stack) -> dict[str, object]:
    return {"function": live(durable_function(Stack(stack, "Other")))}


def with_an_alias_of_another_stack(stack: Stack) -> dict[str, object]:
    version = durable_function(stack).current_version
    return {"function": lambda_.Alias(Stack(stack, "Other"), "Live", alias_name="live", version=version)}


def twice(stack: Stack) -> dict[str, object]:
    called = durable_live(stack)
    DurableExecutions(stack, "First", function=called)
    return {"function": called}


def imported(stack: Stack) -> dict[str, object]:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:theirs:live"
    return {"function": lambda_.Function.from_function_arn(stack, "Theirs", arn)}


_ROWS: list[tuple[str, Arguments, str]] = [
    ("a function that is not durable", lambda stack: {"function": live(stack)},
     "function must be an alias or version of a durable function of this app, got Stack/Function. Pass durable="),
    ("an imported function", imported, "of a durable function of this app, got Stack/Theirs"),
    ("a durable function without a qualifier", lambda stack: {"function": durable_function(stack)},
     "Lambda refuses a call of it without a qualifier"),
    ("a function of another stack", of_another_stack, "function must be in the stack Stack, got Stack/Other/Live"),
    ("an alias of another stack", with_an_alias_of_another_stack, "must be in the stack Stack, got Stack/Other/Live"),
    ("a second one for the same function", twice, "has a dead-letter queue already, and Lambda takes one"),
    ("starter in words", args(starter="yes"), "starter must be True or False, got 'yes' (str)"),
    ("a key without a starter", args(execution_key="trip_id"), "execution_key requires starter=True"),
    ("an empty key", args(starter=True, execution_key=""), "starter=True, and must not be empty"),
    ("a key that is not text", args(starter=True, execution_key=7), "execution_key must be text, got 7 (int)"),
    *by_name_instead(function="a function, version or alias", alarm_topic="a topic", encryption_key="a key",
                     dead_letter_queue="a queue"),
    ("a FIFO queue", lambda stack: {"dead_letter_queue": sqs.Queue(stack, "Fifo", fifo=True)},
     "dead_letter_queue cannot be a FIFO queue"),
    ("a key and your own queue", lambda stack: {"dead_letter_queue": queue(stack), "encryption_key": key(stack)},
     "encryption_key cannot be combined with dead_letter_queue"),
    ("a removal policy and your own queue", lambda stack: {"dead_letter_queue": queue(stack),
     "removal_policy": RemovalPolicy.DESTROY}, "removal_policy cannot be combined with dead_letter_queue"),
    ("a snapshot of a queue", args(removal_policy=RemovalPolicy.SNAPSHOT), "RemovalPolicy other than SNAPSHOT"),
]  # fmt: skip

DURABLE_LIMITS: Final = Limits(DurableExecutions, otherwise={"function": durable_live}, rows=_ROWS)
