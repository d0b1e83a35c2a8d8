"""The limits of QueueConsumer."""

from typing import Any, Final

from aws_cdk import Duration, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from constructs_lib import LiveAlias, QueueConsumer
from tests.gallery.plain_function import function
from tests.limits.table import Arguments, Limits, args, by_name_instead


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
    role = iam.Role.from_role_arn(stack, "TheirRole", "arn:aws:iam::123456789012:role/theirs")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:theirs"
    return {
        "function": lambda_.Function.from_function_attributes(stack, "Theirs", function_arn=arn, role=role)
    }


def reserved(most: int) -> Arguments:
    return lambda stack: {
        "function": function(stack, "Reserved", reserved_concurrent_executions=most),
        "max_concurrency": most + 1,
    }


_ROWS: list[tuple[str, Arguments, str]] = [
    ("batch size 0", args(batch_size=0), "batch_size must be 1 to 10,000, got 0"),
    ("batch size above 10000", args(batch_size=10_001), "batch_size must be 1 to 10,000, got 10,001"),
    ("FIFO batch above 10", args(fifo=True, batch_size=11), "batch_size of a FIFO queue must be 1 to 10, got 11"),
    ("batch above 10 without a window", args(batch_size=11), "max_batching_window must be at least 1 second"),
    ("batch above 10, window 0", args(batch_size=100, max_batching_window=Duration.seconds(0)), "at least 1 second"),
    ("window above 300 s", args(max_batching_window=Duration.seconds(301)), "0 seconds to 5 minutes, got 301 seconds"),
    ("FIFO with a window", args(fifo=True, max_batching_window=Duration.seconds(5)), "combined with a FIFO queue"),
    ("max concurrency 0", args(max_concurrency=0), "max_concurrency must be 2 to 1,000, got 0"),
    ("max concurrency 1", args(max_concurrency=1), "max_concurrency must be 2 to 1,000, got 1"),
    ("max concurrency above 1000", args(max_concurrency=1001), "max_concurrency must be 2 to 1,000, got 1,001"),
    ("reserved below max concurrency", reserved(5), "reserved_concurrent_executions of 5, got 6: further"),
    ("minimum pollers below 2", args(minimum_pollers=1), "minimum_pollers must be 2 to 200, got 1"),
    ("minimum pollers above 200", args(minimum_pollers=201), "minimum_pollers must be 2 to 200, got 201"),
    ("maximum pollers below 2", args(maximum_pollers=1), "maximum_pollers must be 2 to 10,000, got 1"),
    ("maximum pollers above 10,000", args(maximum_pollers=10_001),
     "maximum_pollers must be 2 to 10,000, got 10,001"),
    ("minimum above maximum", args(minimum_pollers=10, maximum_pollers=5), "got 10 > 5"),
    ("pollers and concurrency", args(minimum_pollers=2, max_concurrency=5), "max_concurrency and minimum_pollers"),
    ("maximum pollers and concurrency", args(maximum_pollers=5, max_concurrency=5), "and maximum_pollers cannot"),
    ("no receives", args(max_receive_count=0), "max_receive_count must be 1 to 1,000, got 0"),
    ("more than 1000 receives", args(max_receive_count=1001), "max_receive_count must be 1 to 1,000, got 1,001"),
    ("visibility below the timeout", args(visibility_timeout=Duration.seconds(28)),
     "visibility_timeout must be at least the function's timeout of 29 seconds, got 28: Lambda refuses the mapping"),
    ("visibility with a fraction", args(visibility_timeout=Duration.millis(180_500)),
     "visibility_timeout must be a whole"),
    ("retention with a fraction", args(retention_period=Duration.millis(90_000_500)),
     "retention_period must be a whole"),
    ("dead letters with a fraction", args(dead_letter_retention_period=Duration.millis(1_000_000_500)),
     "dead_letter_retention_period must be a whole number of seconds, got 1,000,000.5"),
    ("messages expire before they are dead letters", args(retention_period=Duration.seconds(870)),
     "retention_period must be longer than max_receive_count x visibility_timeout, which is 870 seconds, got 870"),
    ("visibility above 12 h", args(visibility_timeout=Duration.seconds(43_201)),
     "0 seconds to 12 hours, got 43,201 seconds"),
    ("visibility of an unknown timeout", imported, "visibility_timeout is required when"),
    ("an imported function without its role", lambda stack: {"function": lambda_.Function.from_function_name(stack,
     "Roleless", "theirs"), "visibility_timeout": Duration.minutes(3)}, "was imported without its role"),
    ("retention below 60 s", args(retention_period=Duration.seconds(59)), "1 minute to 14 days, got 59 seconds"),
    ("retention above 14 d", args(retention_period=Duration.days(15)), "1 minute to 14 days, got 15 days"),
    ("dead letters above 14 d", args(dead_letter_retention_period=Duration.days(15)), "dead_letter_retention_period"),
    ("dead letters kept no longer", args(retention_period=Duration.days(14)),
     "dead_letter_retention_period must be longer than retention_period, which is 14 days, got 14 days"),
    ("dead letters kept shorter", args(dead_letter_retention_period=Duration.days(2)),
     "Shorten retention_period, or lengthen dead_letter_retention_period, at most to 14 days"),
    ("more than 5 filters", args(filters=[{"body": {}}] * 6), "filters must be at most 5, got 6"),
    ("a filter that is not in a list", args(filters={"body": {"type": ["x"]}}), "filters must be a list of patterns"),
    ("filters as text", args(filters='{"body": ["x"]}'), "filters must be a list of patterns, got '{"),
    ("a filter as text", args(filters=['{"body": ["x"]}']), 'filters[0] must be a mapping, such as {"type": ["new"]}'),
    ("a filter of CDK's", args(filters=[lambda_.FilterCriteria.filter({"body": {"a": ["x"]}})]),
     "filters[0] must be the pattern itself, not what FilterCriteria.filter(...) makes of it"),
    ("a filter with a typo", args(filters=[{"Body": {"type": ["x"]}}]), "got 'Body'. Did you mean 'body'?"),
    ("a filter of a stream", args(filters=[{"dynamodb": {"NewImage": ["x"]}}]), "each key of filters[0] must be"),
    ("a typo below $or", args(filters=[{"$or": [{"body": ["x"]}, {"bdy": ["x"]}]}]), "got 'bdy'. Did you mean 'body'?"),
    ("a value that is not in a list", args(filters=[{"body": {"type": "x"}}]),
     "filters[0]['body']['type'] must be a list with at least one value, such as ['new'], got 'x' (str)"),
    ("a body that is not in a list", args(filters=[{"body": "x"}]), "filters[0]['body'] must be a list"),
    ("a list of no values", args(filters=[{"body": {"type": []}}]), "filters[0]['body']['type'] must be a list with"),
    ("a filter without a key", args(filters=[{"body": ["x"]}, {}]), "filters[1] must have at least one key, what it"),
    ("a body without a key", args(filters=[{"body": {}}]), "filters[0]['body'] must have at least one key"),
    ("an alternative without a key", args(filters=[{"$or": [{"body": ["x"]}, {}]}]), "filters[0]['$or'][1] must have"),
    ("a list in a list", args(filters=[{"body": {"type": [["x"]]}}]), "must have text, numbers, True, False, None or"),
    ("a number that JSON does not have", args(filters=[{"body": {"n": [float("nan")]}}]), "finite numbers, got nan"),
    ("an infinite number", args(filters=[{"body": {"n": [float("inf")]}}]), "finite numbers, got inf"),
    ("a matcher without JSON", args(filters=[{"body": {"n": [{"numeric": ["<", float("nan")]}]}}]), "finite numbers"),
    ("a prefix that is not text", args(filters=[{"body": {"n": [{"prefix": {1}}]}}]), "must be a text, got {1} (set)"),
    ("a matcher with a typo", args(filters=[{"body": {"n": [{"Prefix": "a"}]}}]), "Did you mean 'prefix'?"),
    ("a matcher of Python's", args(filters=[{"body": {"n": [{"anything_but": ["a"]}]}}]), "mean 'anything-but'?"),
    ("two matchers in one", args(filters=[{"body": {"n": [{"prefix": "a", "suffix": "b"}]}}]), "must have matchers"),
    ("a number as text", args(filters=[{"body": {"n": [{"numeric": [">", "0"]}]}}]), "numeric in filters[0]['body']"),
    ("a sign the wrong way round", args(filters=[{"body": {"n": [{"numeric": ["=>", 0]}]}}]), "must be a comparison"),
    ("a range of one side", args(filters=[{"body": {"n": [{"numeric": [">", 0, ">", 5]}]}}]), "must be a comparison"),
    ("exists as text", args(filters=[{"body": {"n": [{"exists": "true"}]}}]), "must be True or False, got 'true'"),
    ("anything but nothing", args(filters=[{"body": {"n": [{"anything-but": []}]}}]), "must be a text, a number"),
    ("a filter that is not JSON", args(filters=[{"body": {1, 2}}]), "filters[0]['body'] must be a list"),
    ("a filter above 4,096 characters", args(filters=[{"body": {"type": ["x" * 4096]}}]),
     "filters[0] must be at most 4,096 characters, got 4,120"),
    ("visibility as a number", args(visibility_timeout=180), "visibility_timeout must be a Duration"),
    ("deduplication without FIFO", args(content_based_deduplication=True), "requires fifo=True"),
    ("alarm at age 0", args(oldest_message_age=Duration.seconds(0)), "oldest_message_age must be at least 1 second"),
    ("alarm below a second", args(oldest_message_age=Duration.millis(500)), "must be at least 1 second, got 0.5"),
    ("alarm after messages expire", args(oldest_message_age=Duration.days(4)),
     "oldest_message_age must be below the queue's retention period of 345,600 seconds, got 345,600"),
    ("an alarm in minutes that is a token", lambda stack: {"oldest_message_age": Duration.minutes(
     Token.as_number({"Ref": "Minutes"}))}, "oldest_message_age that is known only at deployment must be Duration.sec"),
    ("a LiveAlias", lambda stack: {"function": LiveAlias(stack, "Live", function=function(stack))}, "Pass its .alias."),
    *by_name_instead(function="a function, version or alias", queue="a queue", dead_letter_queue="a queue",
                  encryption_key="a key", alarm_topic="a topic"),
    ("dead-letter queue without queue", lambda stack: {"dead_letter_queue": queue(stack)}, "requires an"),
    ("existing queue and its settings", lambda stack: {"queue": queue(stack), "fifo": True,
     "retention_period": Duration.days(1)}, "retention_period and fifo cannot be combined with queue"),
    ("existing queue without dead letters", lambda stack: {"queue": queue(stack, dead_letter_queue=None)},
     "has no dead-letter queue"),
    ("existing queue with dead letters, and another dead-letter queue", lambda stack: {"queue": queue(stack),
     "dead_letter_queue": sqs.Queue(stack, "Other")},
     "queue Stack/Given, which is created in this app: its own dead-letter queue Stack/GivenDead is used"),
    ("existing queue without dead letters, and another dead-letter queue", lambda stack: {
     "queue": queue(stack, dead_letter_queue=None), "dead_letter_queue": sqs.Queue(stack, "Other")},
     "queue Stack/Given has no dead-letter queue"),
    ("existing queue, messages expire before they are dead letters", lambda stack: {"queue": queue(stack,
        visibility_timeout=Duration.hours(12), retention_period=Duration.hours(60))},
     "retention_period of queue Stack/Given must be longer than max_receive_count x visibility_timeout"),
    ("existing queue, alarm after messages expire", lambda stack: {"queue": queue(stack,
        retention_period=Duration.hours(1)), "oldest_message_age": Duration.hours(1)},
     "oldest_message_age must be below the queue's retention period of 3,600 seconds, got 3,600"),
    ("imported FIFO queue, standard dead letters", lambda stack: {
        "queue": sqs.Queue.from_queue_arn(stack, "Fifo", "arn:aws:sqs:us-east-1:123456789012:trips.fifo"),
        "dead_letter_queue": sqs.Queue.from_queue_arn(stack, "D", "arn:aws:sqs:us-east-1:123456789012:dead")},
     "must both be FIFO"),
    ("CDK's own dead-letter queue behind CDK's own queue", lambda stack: {"queue": queue(stack,
        dead_letter_queue=sqs.DeadLetterQueue(queue=sqs.Queue(stack, "D"), max_receive_count=5))},
     "retention_period of queue Stack/D must be longer than retention_period of queue Stack/Given, which is 4 days"),
    ("existing queue, dead letters kept no longer", lambda stack: {"queue": queue(stack,
        retention_period=Duration.days(14))}, "longer than retention_period of queue Stack/Given, which is 14 days"),
    ("existing queue, short visibility", lambda stack: {"queue": queue(stack,
        visibility_timeout=Duration.seconds(20))},
     "visibility_timeout of queue Stack/Given must be at least the function's timeout of 29 seconds, got 20"),
    ("existing queue, default visibility", lambda stack: {"queue": queue(stack, visibility_timeout=None),
     "function": function(stack, timeout=Duration.minutes(1))}, "timeout of 60 seconds, got 30"),
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
