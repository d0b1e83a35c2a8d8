"""What leads where in an app: which sources invoke which functions, and where functions send their results.

What is not known of an event at synth is `ANYTHING`, a text that may have any characters, or `UNKNOWN`, which may be
any value or be missing: see `event_patterns`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import LATEST, Assembly, Resource, Template, dicts
from constructs_lib.practice.event_patterns import UNKNOWN, may_match, several
from constructs_lib.practice.permissions import Permissions
from constructs_lib.practice.wildcards import ANYTHING

_S3_EVENTS: Final = {
    "s3:ObjectAcl:Put": "Object ACL Updated",
    "s3:ObjectCreated:": "Object Created",
    "s3:ObjectRemoved:": "Object Deleted",
    "s3:ObjectRestore:Completed": "Object Restore Completed",
    "s3:ObjectRestore:Delete": "Object Restore Expired",
    "s3:ObjectRestore:Post": "Object Restore Initiated",
    "s3:ObjectTagging:Delete": "Object Tags Deleted",
    "s3:ObjectTagging:Put": "Object Tags Added",
}
"""What EventBridge calls the events of S3's own notifications, by the beginning of their names.

Left out are those that S3 causes by itself, and no function: of lifecycle rules, tiering, replication and lost objects.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-mapping-troubleshooting.html
"""


@dataclass(frozen=True, eq=False)
class Flow:
    """A way from a source to what it invokes or writes to."""

    source: str
    """The ARN of a queue, topic, bus, bucket, stream or function; empty for a schedule, and for a source that is not
    known."""
    target: str
    """The ARN of what it leads to; of a function, without its qualifier."""
    through: Resource
    """What makes the way: an event source mapping, a pipe, a subscription, a rule, a schedule, ..."""
    qualifier: str = ""
    """The alias, version or `$LATEST` of a function that is invoked; empty for other targets."""
    is_asynchronous: bool = True
    """Whether a function is invoked asynchronously, so that its results go to its destinations."""
    pattern: Mapping[str, Any] | None = field(default_factory=dict)
    """The pattern that events must match to pass. Empty: every event passes. None: which events pass is not known."""

    def may_pass(self, event: Any) -> bool:
        """Whether an event passes, as far as it is known."""
        return self.pattern is None or event is UNKNOWN or may_match(self.pattern, event)


@dataclass(frozen=True)
class Destination:
    """A target to which Lambda sends the results of a function's asynchronous invocations."""

    function: str
    """The function's ARN, without qualifier."""
    qualifier: str
    """The qualifier whose invocations are meant; empty for all, as with a dead-letter queue."""
    target: str
    """The ARN of the queue, topic, bus, bucket or function that gets the results."""
    resource: Resource
    """What configures it: an `AWS::Lambda::EventInvokeConfig`, or the function for its dead-letter queue."""
    outcome: str
    """`Success` or `Failure`; empty for a dead-letter queue, which gets the event alone."""

    @property
    def delivery(self) -> Any:
        """What arrives at the target, as far as it is known: a message, or an event of EventBridge or S3."""
        if not self.outcome:
            return {"attributes": UNKNOWN, "body": UNKNOWN}
        called = f"{self.function}:{self.qualifier}"
        record = {
            "version": ANYTHING,
            "timestamp": ANYTHING,
            "requestContext": {
                "requestId": ANYTHING,
                "functionArn": called,
                "condition": "Success" if self.outcome == "Success" else ANYTHING,
                "approximateInvokeCount": UNKNOWN,
            },
            "requestPayload": UNKNOWN,
            "responseContext": UNKNOWN,
            "responsePayload": UNKNOWN,
        }
        if ":events:" in self.target:
            return bus_event(
                "lambda",
                f"Lambda Function Invocation Result - {self.outcome}",
                record,
                resources=[self.target, called],
            )
        if ":s3:" in self.target:
            return object_event(self.target, "Object Created", f"{_defaults.ASYNC_S3_PREFIX}{ANYTHING}")
        return {"attributes": {}, "body": record}


def bus_event(source: str, detail_type: str, detail: Mapping[str, Any], *, resources: Any = UNKNOWN) -> Any:
    """An event of EventBridge, as `event_patterns` reads it."""
    always_there = ("version", "id", "time", "account", "region")
    return dict.fromkeys(always_there, ANYTHING) | {
        "source": source,
        "detail-type": detail_type,
        "resources": resources,
        "detail": detail,
    }


def object_event(bucket: str, detail_type: str, key: str) -> Any:
    """The event of an object in a bucket.

    Args:
        bucket: The bucket's ARN.
        detail_type: What happened.
        key: The object's key, which may have wildcards.
    """
    some_have = ("version", "request-id", "requester", "source-ip-address", "reason", "deletion-type")
    details = dict.fromkeys((*some_have, "restore-expiry-time", "source-storage-class"), UNKNOWN)
    its_object = dict.fromkeys(("size", "etag", "version-id", "sequencer"), UNKNOWN) | {"key": key}
    name = bucket.rpartition(":")[2]
    return bus_event(
        "aws.s3", detail_type, details | {"bucket": {"name": name}, "object": its_object}, resources=[bucket]
    )


class Flows:
    """All flows of an app, and what its roles may do."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self.permissions = Permissions(assembly)

    def function(self, arn: str) -> Resource | None:
        """A function of this app, by its ARN."""
        found = self.assembly.find(arn)
        return found if found is not None and found.type == "AWS::Lambda::Function" else None

    def loops_on_purpose(self, arn: str) -> bool:
        """Whether a function has `RecursiveLoop: Allow`."""
        function = self.function(arn)
        return function is not None and function.text("RecursiveLoop") == "Allow"

    @cached_property
    def all(self) -> list[Flow]:
        """Every flow."""
        return [
            *_polled(self.assembly),
            *_subscriptions(self.assembly),
            *_rules(self.assembly),
            *_schedules(self.assembly),
            *_log_filters(self.assembly),
            *_notifications(self.assembly),
            *self._results(),
        ]

    def after(self, source: str, event: Any) -> Iterator[Flow]:
        """The flows that an event takes from a queue, topic, bus, bucket or stream."""
        for flow in (*self._by_source.get(source, ()), *self._rules_of_bucket(source)):
            if flow.may_pass(event):
                yield flow

    def into(self, target: str) -> list[Flow]:
        """The flows to a queue, topic, bus, bucket or function."""
        return self._by_target.get(target, [])

    def buckets(self, flow: Flow) -> list[str]:
        """The ARNs of the buckets whose events may take a flow."""
        if flow.source.startswith(_BUCKET):
            return [flow.source]
        if flow not in self._of_objects.get(flow.source, ()):
            return []
        wanted = _at(flow.pattern, "detail", "bucket", "name")
        matchers = [] if wanted is None else several(wanted)
        found = [_BUCKET + name for name in matchers if isinstance(name, str)]
        takes_names_alone = matchers and len(found) == len(matchers)
        if not takes_names_alone:  # any bucket of the bus, or those of a matcher such as {"prefix": "trips-"}
            ours = self.assembly.of_type("AWS::S3::Bucket")
            found += [bucket.arn for bucket in ours if default_bus(bucket.template) == flow.source]
        return found

    @cached_property
    def destinations(self) -> list[Destination]:
        """The targets of the results of asynchronous invocations."""
        found = []
        for (function, qualifier), config in self.configurations.items():
            for outcome in ("Success", "Failure"):
                target = config.text("DestinationConfig", f"On{outcome}", "Destination")
                if target:
                    found.append(Destination(function, qualifier, target, config, outcome))
        for resource in self.assembly.of_type("AWS::Lambda::Function"):
            target = resource.text("DeadLetterConfig", "TargetArn")
            if target:
                found.append(Destination(resource.arn, "", target, resource, ""))
        return found

    @cached_property
    def configurations(self) -> dict[tuple[str, str], Resource]:
        """The configurations of asynchronous invocations, by function and qualifier."""
        found = {}
        for config in self.assembly.of_type("AWS::Lambda::EventInvokeConfig"):
            function, _ = config.template.function(config.text("FunctionName"))
            found[function, config.text("Qualifier") or LATEST] = config
        return found

    @cached_property
    def _by_source(self) -> dict[str, list[Flow]]:
        found: dict[str, list[Flow]] = defaultdict(list)
        for flow in self.all:
            found[flow.source].append(flow)
        return found

    @cached_property
    def _by_target(self) -> dict[str, list[Flow]]:
        found: dict[str, list[Flow]] = defaultdict(list)
        for flow in self.all:
            found[flow.target].append(flow)
        return found

    @cached_property
    def _of_objects(self) -> dict[str, list[Flow]]:
        """The flows of rules that let events of S3 pass, by the ARN of the default bus that their rule is on."""
        found: dict[str, list[Flow]] = defaultdict(list)
        for flow in self.all:
            if flow.source.endswith(_DEFAULT_BUS) and flow.pattern:
                sources = flow.pattern.get("source")
                if sources is None or may_match({"source": sources}, {"source": "aws.s3"}):
                    found[flow.source].append(flow)
        return found

    def _rules_of_bucket(self, arn: str) -> list[Flow]:
        """The flows of rules that may see the events of a bucket; of an imported one, those of every Region."""
        if not arn.startswith(_BUCKET):
            return []
        bucket = self.assembly.find(arn)
        if bucket is not None:
            return self._of_objects.get(default_bus(bucket.template), [])
        return [flow for flows in self._of_objects.values() for flow in flows]

    def _results(self) -> Iterator[Flow]:
        """Yield the flows from functions to the functions that get their results."""
        for destination in self.destinations:
            if ":lambda:" in destination.target:
                yield _flow(destination.function, destination.target, destination.resource)


_BUCKET: Final = "arn:aws:s3:::"
_DEFAULT_BUS: Final = ":event-bus/default"


def default_bus(template: Template) -> str:
    """The ARN of the default bus of a template's account and Region."""
    return f"arn:aws:events:{template.region}:{template.account}{_DEFAULT_BUS}"


# --- resources that lead from one place to another -------------------------------------------------------


def _flow(source: str, target: str, through: Resource, **details: Any) -> Flow:
    function, qualifier = through.template.function(target) if ":lambda:" in target else (target, "")
    return Flow(source, function, through, qualifier, **details)


def has_filters(poller: Resource) -> bool:
    """Whether an event source mapping or a pipe passes on only what matches its filters."""
    return bool(
        poller.get("FilterCriteria", "Filters") or poller.get("SourceParameters", "FilterCriteria", "Filters")
    )


def _polled(assembly: Assembly) -> Iterator[Flow]:
    """Yield the flows of mappings and pipes, as if they had no filters.

    The poller deletes what does not match its filters from a queue: a function that sends to its own queue, or a
    destination that leads there, is a fault with or without them. `loops` asks `has_filters` for streams, which keep
    what is filtered out.
    """
    for mapping in assembly.of_type("AWS::Lambda::EventSourceMapping"):
        function, qualifier = mapping.template.function(mapping.text("FunctionName"))
        source = mapping.text("EventSourceArn").partition("/consumer/")[0]  # the stream of enhanced fan-out
        yield Flow(source, function, mapping, qualifier, is_asynchronous=False)
    for pipe in assembly.of_type("AWS::Pipes::Pipe"):
        kind = pipe.text("TargetParameters", "LambdaFunctionParameters", "InvocationType")
        yield _flow(pipe.text("Source"), pipe.text("Target"), pipe, is_asynchronous=kind == "FIRE_AND_FORGET")


def _subscriptions(assembly: Assembly) -> Iterator[Flow]:
    for subscription in assembly.of_type("AWS::SNS::Subscription"):
        policy = subscription.get("FilterPolicy")
        scope = "body" if subscription.text("FilterPolicyScope") == "MessageBody" else "attributes"
        if subscription.text("Protocol") in ("lambda", "sqs"):
            yield _flow(
                subscription.text("TopicArn"),
                subscription.text("Endpoint"),
                subscription,
                pattern={scope: policy} if isinstance(policy, dict) and policy else {},
            )


def _rules(assembly: Assembly) -> Iterator[Flow]:
    for rule in assembly.of_type("AWS::Events::Rule"):
        named = rule.text("EventBusName") or "default"
        bus = default_bus(rule.template).removesuffix("default") + named if ":" not in named else named
        pattern = rule.get("EventPattern")
        for target in rule.dicts("Targets"):
            arn = target.get("Arn")
            if not isinstance(arn, str):
                continue
            if isinstance(pattern, dict):
                yield _flow(bus, arn, rule, pattern=pattern)
            if rule.text("ScheduleExpression"):
                yield _flow("", arn, rule)


def _schedules(assembly: Assembly) -> Iterator[Flow]:
    for schedule in assembly.of_type("AWS::Scheduler::Schedule"):
        yield _flow("", schedule.text("Target", "Arn"), schedule)


def _log_filters(assembly: Assembly) -> Iterator[Flow]:
    for log_filter in assembly.of_type("AWS::Logs::SubscriptionFilter"):
        pattern: dict[str, Any] | None = None if log_filter.text("FilterPattern") else {}
        source = f"log-group:{log_filter.text('LogGroupName')}"
        yield _flow(source, log_filter.text("DestinationArn"), log_filter, pattern=pattern)


def _notifications(assembly: Assembly) -> Iterator[Flow]:
    """S3's own notifications: of the bucket, of CDK's custom resource, or else what a permission shows of them."""
    configured = set()
    for bucket in assembly.of_type("AWS::S3::Bucket"):
        flows = list(_notified(bucket, bucket.arn, bucket.get("NotificationConfiguration")))
        if flows:
            configured.add(bucket.arn)
        yield from flows
    for custom in assembly.of_type(CUSTOM_NOTIFICATIONS):
        arn = _BUCKET + custom.text("BucketName")
        configured.add(arn)
        yield from _notified(custom, arn, custom.get("NotificationConfiguration"))
    for permission in assembly.of_type("AWS::Lambda::Permission"):
        source = permission.text("SourceArn")
        if permission.text("Principal") == "s3.amazonaws.com" and source not in configured:
            function, qualifier = permission.template.function(permission.text("FunctionName"))
            yield Flow(source, function, permission, qualifier, pattern=None)


CUSTOM_NOTIFICATIONS: Final = "Custom::S3BucketNotifications"
_NOTIFIED: Final = {
    "LambdaConfigurations": ["Function"],
    "LambdaFunctionConfigurations": ["LambdaFunctionArn"],
    "QueueConfigurations": ["Queue", "QueueArn"],
    "TopicConfigurations": ["Topic", "TopicArn"],
}
"""The names of the property with the target, in the bucket's own property and in the custom resource."""


def _notified(through: Resource, bucket: str, configuration: Any) -> Iterator[Flow]:
    if not isinstance(configuration, dict):
        return
    for kind, names in _NOTIFIED.items():
        for each in dicts(configuration.get(kind)):
            target = next((each[name] for name in names if isinstance(each.get(name), str)), "")
            happened = [str(name) for name in (each.get("Event"), *several(each.get("Events"))) if name]
            keys = {
                str(rule.get("Name")).lower(): str(rule.get("Value"))
                for holder in ("Key", "S3Key")
                for rule in dicts(
                    _at(each, "Filter", holder, "FilterRules") or _at(each, "Filter", holder, "Rules")
                )
            }
            yield _flow(bucket, target, through, pattern=_object_pattern(happened, **keys))


def _object_pattern(
    happened: list[str], *, prefix: str = "", suffix: str = "", **_: str
) -> Mapping[str, Any]:
    """The pattern of one of S3's own notifications, as EventBridge would have it."""
    types = {
        detail_type
        for name in happened
        for beginning, detail_type in _S3_EVENTS.items()
        if name.startswith(beginning) or beginning.startswith(name.removesuffix("*"))
    }
    literal = (text.replace("\\", "\\\\").replace("*", "\\*") for text in (prefix, suffix))
    return {
        "detail-type": sorted(types),
        "detail": {"object": {"key": [{"wildcard": "*".join(literal)}]}},
    }


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
