"""The limits of the sources in front of a function."""

from datetime import UTC, datetime
from typing import Any, Final

from aws_cdk import Duration, RemovalPolicy, TimeZone
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs_lib import BucketEvents, EventRule, ScheduledInvocation, TopicSubscription
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import bucket, live, queue, topic
from tests.limits.table import Arguments, Limits, args, by_name_instead


def fifo(stack: Any) -> dict[str, Any]:
    return {"dead_letter_queue": sqs.Queue(stack, "Fifo", fifo=True)}


def both(stack: Any) -> dict[str, Any]:
    return {"dead_letter_queue": queue(stack), "removal_policy": RemovalPolicy.DESTROY}


def words(*names: str, count: int = 1) -> dict[str, sns.SubscriptionFilter]:
    values = [f"value-{n}" for n in range(count)]
    return {name: sns.SubscriptionFilter.string_filter(allowlist=values) for name in names}


def expression(text: str) -> scheduler.ScheduleExpression:
    return scheduler.ScheduleExpression.expression(text)


FAR: Final = datetime(2130, 1, 1, tzinfo=UTC)


def at(zone: TimeZone) -> scheduler.ScheduleExpression:
    return scheduler.ScheduleExpression.cron(hour="6", minute="0", time_zone=zone)


_DEAD_LETTERS: list[tuple[str, Arguments, str]] = [
    ("a FIFO dead-letter queue", fifo, "dead_letter_queue cannot be a FIFO queue"),
    ("a removal policy for your own queue", both, "removal_policy cannot be combined with dead_letter_queue"),
    *by_name_instead(function="a function, version or alias", dead_letter_queue="a queue", alarm_topic="a topic"),
]  # fmt: skip

_DELIVERY: list[tuple[str, Arguments, str]] = [
    ("retries below 0", args(retry_attempts=-1), "retry_attempts must be 0 to 185, got -1"),
    ("retries above 185", args(retry_attempts=186), "retry_attempts must be 0 to 185, got 186"),
    ("retries with a fraction", args(retry_attempts=1.5), "retry_attempts must be a whole number, got 1.5"),
    ("age below 60 s", args(max_event_age=Duration.seconds(59)),
     "max_event_age must be 1 minute to 1 day, got 59 seconds"),
    ("age above 24 h", args(max_event_age=Duration.seconds(86_401)), "1 minute to 1 day, got 86,401 seconds"),
    ("age with a fraction", args(max_event_age=Duration.millis(60_500)), "max_event_age must be a whole number of"),
    ("age as a number", args(max_event_age=60), "max_event_age must be a Duration"),
]  # fmt: skip

RULE_LIMITS: Final = Limits(
    EventRule,
    otherwise={"function": live, "event_pattern": lambda stack: TRIPS},
    rows=[
        *_DELIVERY,
        *_DEAD_LETTERS,
        (
            "a pattern as JSON",
            args(event_pattern={"source": ["trips"]}),
            "event_pattern must be an events.EventPattern",
        ),
        (
            "a pattern of nothing",
            args(event_pattern=events.EventPattern()),
            "event_pattern must have at least one key",
        ),
        (
            "a source without a value",
            args(event_pattern=events.EventPattern(source=[])),
            "event_pattern['source'] must be a list with at least one value",
        ),
        (
            "a value that is not in a list",
            args(event_pattern=events.EventPattern(detail={"trip": {"city": "Berlin"}})),
            "event_pattern['detail']['trip']['city'] must be a list with at least one value",
        ),
        (
            "a detail of nothing",
            args(event_pattern=events.EventPattern(detail={"trip": {}})),
            "event_pattern['detail']['trip'] must have at least one key",
        ),
        (
            "a number that JSON does not have",
            args(event_pattern=events.EventPattern(detail={"n": [float("nan")]})),
            "event_pattern['detail']['n'] must have finite numbers, got nan (float)",
        ),
        (
            "a matcher with a number that JSON does not have",
            args(event_pattern=events.EventPattern(detail={"n": [{"numeric": [">", float("nan")]}]})),
            "event_pattern['detail']['n'] must have finite numbers",
        ),
        ("an event as it is", args(event={"a": 1}), "event must be a RuleTargetInput"),
        ("enabled in words", args(enabled="no"), "enabled must be True or False, got 'no' (str)"),
        *by_name_instead(event_bus="an event bus"),
    ],
)

BUCKET_LIMITS: Final = Limits(
    BucketEvents,
    otherwise={"function": live, "bucket": bucket},
    rows=[
        *_DELIVERY,
        *_DEAD_LETTERS,
        ("no events", args(event_types=[]), "event_types must name at least one event"),
        (
            "events as text",
            args(event_types="Object Created"),
            "event_types must be a list, such as ['Object Created']",
        ),
        ("several prefixes", args(prefix=["a/", "b/"]), "prefix must be text, got ['a/', 'b/'] (list)"),
        ("a suffix that is a number", args(suffix=7), "suffix must be text, got 7 (int)"),
        *by_name_instead(bucket="a bucket"),
        ("an event with a typo", args(event_types=["Object created"]), "Did you mean 'Object Created'?"),
    ],
)

TOPIC_LIMITS: Final = Limits(
    TopicSubscription,
    otherwise={"function": live, "topic": topic},
    rows=[
        *_DEAD_LETTERS,
        ("a FIFO topic", lambda stack: {"topic": sns.Topic(stack, "Fifo", fifo=True)}, "topic cannot be a FIFO topic"),
        ("more than 5 names", args(filter_policy=words(*"abcdef")), "filter_policy must have at most 5 names, got 6"),
        ("more than 150 combinations", args(filter_policy=words("a", "b", count=13)), "values, got 169"),
        ("combinations count by depth", args(filter_policy_with_message_body={"a": sns.FilterOrPolicy.policy(
            {name: sns.FilterOrPolicy.filter(each) for name, each in words("b", "c", count=7).items()})}),
         "got 196"),
        ("a filter that lets all through", args(filter_policy={}), "filter_policy must have at least one name, got {}"),
        ("a filter without a condition", args(filter_policy={"type": sns.SubscriptionFilter.string_filter()}),
         "filter_policy must have at least one condition for 'type'"),
        ("a body filter without a condition", args(filter_policy_with_message_body={"type": sns.FilterOrPolicy.filter(
            sns.SubscriptionFilter([]))}), "filter_policy_with_message_body must have at least one condition for"),
        ("a policy without a name", args(filter_policy_with_message_body={"trip": sns.FilterOrPolicy.policy({})}),
         "filter_policy_with_message_body must have at least one name for 'trip'"),
        ("values as a list", args(filter_policy={"type": ["new"]}), "filter_policy must have a SubscriptionFilter"),
        ("a filter of attributes for the body", args(filter_policy_with_message_body=words("a")),
         "filter_policy_with_message_body must have FilterOrPolicy.filter(SubscriptionFilter...) or"),
        *by_name_instead(topic="a topic"),
        ("two filter policies", args(filter_policy=words("a"), filter_policy_with_message_body={}),
         "filter_policy and filter_policy_with_message_body cannot be combined"),
    ],
)  # fmt: skip

SCHEDULE_LIMITS: Final = Limits(
    ScheduledInvocation,
    otherwise={
        "function": live,
        "schedule": lambda stack: scheduler.ScheduleExpression.rate(Duration.hours(1)),
    },
    rows=[
        *_DELIVERY,
        *_DEAD_LETTERS,
        ("a schedule as text", args(schedule="cron(0 6 * * ? *)"), "schedule must be a scheduler.ScheduleExpression"),
        ("cron of five fields", args(schedule=expression("cron(0 3 * * *)")), "schedule must have six fields"),
        ("cron alone", args(schedule=expression("0 3 * * *")), "schedule must be cron(...) of six fields"),
        ("an hour of 25", args(schedule=expression("cron(0 25 * * ? *)")), "must have hours of 0 to 23, not '25'"),
        ("a month with a typo", args(schedule=expression("cron(0 5 1 JAM ? *)")), "month of 1 to 12, not 'JAM'"),
        ("both days", args(schedule=expression("cron(0 5 1 * MON *)")), "must have a ? for day-of-month or for day-of"),
        ("an hour without its minute", args(schedule=scheduler.ScheduleExpression.cron(hour="3")),
         "must have its minutes, 0-59 for all of them"),
        ("a rate of nothing", args(schedule=expression("rate(0 minutes)")), "schedule must be cron(...) of six fields"),
        ("a day that is not", args(schedule=expression("at(2030-02-30T00:00:00)")), "schedule must be cron(...)"),
        ("an event as text", args(event="tidy"), "event must be a mapping, got 'tidy' (str)"),
        ("enabled in words", args(enabled="no"), "enabled must be True or False, got 'no' (str)"),
        *by_name_instead(schedule_group="a schedule group"),
        ("window below a minute", args(flexible_window=Duration.seconds(30)),
         "flexible_window must be 1 minute to 1 day, got 30 seconds"),
        ("window above 24 h", args(flexible_window=Duration.minutes(1441)), "to 1 day, got 1,441 minutes"),
        ("window with seconds", args(flexible_window=Duration.seconds(90)),
         "flexible_window must be a whole number of minutes, got 1.5"),
        ("event above 256 KB", args(event={"text": "é" * 140_000}), "event must be at most 262,144 bytes"),
        ("an event that is no JSON", args(event={"when": datetime(2030, 1, 1, tzinfo=UTC)}), "event must be JSON"),
        ("a number that JSON does not have", args(event={"a": float("nan")}), "event must be JSON"),
        ("text that is none", args(event={"a": chr(0xD83D)}), "event must be JSON"),
        ("a start as text", args(start="2030"), "start must be a datetime, got '2030' (str)"),
        ("one time zone of two", args(start=datetime(2030, 1, 1, tzinfo=UTC), end=datetime(2031, 1, 1)),
         "start and end must both have a time zone"),
        ("end before start", args(start=datetime(2031, 1, 1, tzinfo=UTC), end=datetime(2030, 1, 1, tzinfo=UTC)),
         "start must be before end"),
        ("a start of one call", args(schedule=scheduler.ScheduleExpression.at(FAR), start=FAR),
         "start cannot be combined with a schedule that calls once"),
        ("a time zone with a typo", args(schedule=at(TimeZone.of("Europe/Berln"))), "Did you mean 'Europe/Berlin'?"),
    ],
)  # fmt: skip
