"""Functions that invoke themselves: by their results, or by what they write."""

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import Resource
from constructs_lib.practice.event_patterns import UNKNOWN, asks_for, may_match
from constructs_lib.practice.flows import Destination, Flow, Flows, has_filters, object_event
from constructs_lib.practice.rule import Finding, Rule

_CAUSES: Final = {
    "Object Created": "s3:PutObject",
    "Object Deleted": "s3:DeleteObject",
    "Object Restore Initiated": "s3:RestoreObject",
    "Object Restore Completed": "s3:RestoreObject",
    "Object Tags Added": "s3:PutObjectTagging",
    "Object Tags Deleted": "s3:DeleteObjectTagging",
    "Object ACL Updated": "s3:PutObjectAcl",
}
"""What a function may do, by the event that it makes. The others come from S3 itself."""

_STREAM_WRITES: Final = {
    "dynamodb": ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"),
    "kinesis": ("kinesis:PutRecord", "kinesis:PutRecords"),
}


# --- by its results ------------------------------------------------------------------------------------


def _loops(flows: Flows) -> Iterator[Finding]:
    shown = flows.assembly.shown
    for destination in flows.destinations:
        if flows.loops_on_purpose(destination.function):
            continue
        way = _way_back(flows, destination)
        if way is None:
            continue
        through = f", through {' and '.join(flow.through.path for flow in way)}" if way else ""
        results = {"Success": "results", "Failure": "records of failures"}.get(
            destination.outcome, "failed events"
        )
        is_endless = not way or way[-1].is_asynchronous
        yield Finding(
            destination.resource,
            f"The {results} of {shown(destination.function)} go to {shown(destination.target)} and lead back to the "
            f"function{through}: "
            + (
                "each invokes it again, in an endless loop."
                if is_endless
                else "it gets each as its own input."
            ),
        )


def _way_back(flows: Flows, destination: Destination) -> list[Flow] | None:
    """The flows from a destination to its own function; None if there is no way."""
    waiting: deque[tuple[str, str, Any, list[Flow]]] = deque()
    seen = set()

    def send(target: Destination, way: list[Flow]) -> None:
        arn, qualifier = target.target, ""
        if ":lambda:" in arn:
            arn, qualifier = target.resource.template.function(arn)
        waiting.append((arn, qualifier, target.delivery, way))

    send(destination, [])
    while waiting:
        at, qualifier, event, way = waiting.popleft()
        if at == destination.function:
            return way
        if (at, qualifier) in seen:
            continue
        seen.add((at, qualifier))
        if ":lambda:" in at:
            # Only what was invoked asynchronously has results that go on.
            if not way or way[-1].is_asynchronous:
                for onward in flows.destinations:
                    if onward.function == at and onward.qualifier in ("", qualifier):
                        send(onward, way)
            continue
        for flow in flows.after(at, event):
            is_event = ":events:" in flow.target and (":events:" in at or ":s3:" in at)
            waiting.append((flow.target, flow.qualifier, event if is_event else UNKNOWN, [*way, flow]))
    return None


# --- by what it writes ---------------------------------------------------------------------------------


def _written(flows: Flows) -> Iterator[Finding]:
    # What Lambda may write as a destination of the function is the other rule's.
    results = {(destination.function, destination.target) for destination in flows.destinations}
    for flow in flows.all:
        function = flows.function(flow.target)
        if function is None or flows.loops_on_purpose(flow.target):
            continue
        logs = function.text("LoggingConfig", "LogGroup") or f"/aws/lambda/{function.name}"
        if flow.pattern == {} and flow.source == f"log-group:{logs}":
            yield Finding(
                flow.through, f"{function.path} writes to the log group that invokes it for every line."
            )
        for way in _ways(flows, flow):
            writes = _may_write(flows, way[0], function, results)
            if writes:
                between = [each.through.path for each in way[:-1]]
                through = f" through {' and '.join(between)}" if between else ""
                yield Finding(flow.through, f"{function.path} {writes}, which invokes it{through}.")
                break


def _ways(flows: Flows, last: Flow) -> Iterator[tuple[Flow, ...]]:
    """The ways that end with a flow, the shortest first: over topics, queues and buses, and no other function."""
    waiting: deque[tuple[Flow, ...]] = deque([(last,)])
    seen = {last}
    while waiting:
        way = waiting.popleft()
        yield way
        goes_on = way[0].pattern == {} and ":lambda:" not in way[0].source
        for flow in flows.into(way[0].source) if goes_on else ():
            if flow not in seen:
                seen.add(flow)
                waiting.append((flow, *way))


def _may_write(flows: Flows, flow: Flow, function: Resource, results: set[tuple[str, str]]) -> str | None:
    """What a function may write at the source of a flow so that it takes the flow."""
    shown, role, source = flows.assembly.shown, function.text("Role"), flow.source
    if (function.arn, source) in results or flow.pattern is None:
        return None
    may = flows.permissions.allows
    if ":sqs:" in source and may(role, "sqs:SendMessage", source):
        return f"may send to the queue {shown(source)}"
    if ":sns:" in source and flow.pattern == {} and may(role, "sns:Publish", source):
        return f"may publish to the topic {shown(source)}"
    asks = asks_for(flow.pattern, "source") or asks_for(flow.pattern, "detail-type")
    if ":event-bus/" in source and not asks and may(role, "events:PutEvents", source):
        return f"may send to the event bus {shown(source)}, whose rule asks for neither a source nor a detail-type"
    for bucket in flows.buckets(flow):
        for detail_type, action in _CAUSES.items():
            for key in flows.permissions.keys(role, action, bucket):
                is_result = (function.arn, bucket) in results and key.startswith(_defaults.ASYNC_S3_PREFIX)
                if not is_result and may_match(flow.pattern, object_event(bucket, detail_type, key)):
                    return f"has {action} on objects of the bucket {shown(bucket)}"
    return None


def _streamed(flows: Flows) -> Iterator[Finding]:
    for flow in flows.all:
        function = flows.function(flow.target)
        service = flow.source.split(":")[2] if flow.source.count(":") > 2 else ""
        if function is None or has_filters(flow.through) or flows.loops_on_purpose(flow.target):
            continue
        written = flow.source.partition("/stream/")[0] if service == "dynamodb" else flow.source
        for action in _STREAM_WRITES.get(service, ()):
            if flows.permissions.allows(function.text("Role"), action, written):
                yield Finding(
                    flow.through,
                    f"{function.path} has {action} on {flows.assembly.shown(written)}, whose stream invokes it.",
                )
                break


ENDLESS_LOOP: Final = Rule(
    id="endless-loop",
    severity="error",
    reason="Lambda stops some of these loops after about 16 invocations, and never those that it cannot trace.",
    fix="Send the results somewhere else. If the loop is meant, and ends, set RecursiveLoop to Allow on the function "
    "(recursive_loop=lambda_.RecursiveLoop.ALLOW).",
    source=_defaults.RECURSION,
    find=_loops,
)

INVOKES_ITSELF: Final = Rule(
    id="invokes-itself",
    severity="error",
    reason="Each invocation can cause the next, in an endless loop.",
    fix="Write to another queue, topic, bus or prefix, and grant no more than that, such as "
    'bucket.grant_put(function, "results/*"); or filter for other events. If the loop is meant, and ends, set '
    "RecursiveLoop to Allow on the function (recursive_loop=lambda_.RecursiveLoop.ALLOW).",
    source=_defaults.RECURSION,
    find=_written,
)

WRITES_TO_OWN_STREAM: Final = Rule(
    id="writes-to-own-stream",
    severity="warning",
    reason="A write for each record causes the next record, in an endless loop that Lambda does not stop.",
    fix="Filter the stream (FilterCriteria) so that the function does not see its own writes, or write elsewhere.",
    source=_defaults.RECURSION,
    find=_streamed,
)

RULES: Final = (ENDLESS_LOOP, INVOKES_ITSELF, WRITES_TO_OWN_STREAM)
