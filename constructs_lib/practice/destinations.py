"""Whether events whose retries are exhausted, of asynchronous invocations, have a destination."""

from collections.abc import Iterator
from typing import Final

from constructs_lib import _defaults
from constructs_lib.practice.flows import Flow, Flows
from constructs_lib.practice.rule import Finding, Rule

_NAMED_MAX: Final = 3


def _uncovered(flows: Flows) -> Iterator[Flow]:
    """Asynchronous invocations of a qualifier without a configuration, of functions without a dead-letter queue."""
    for flow in flows.all:
        function = flows.function(flow.target)
        if (
            flow.is_asynchronous
            and flow.qualifier
            and (flow.target, flow.qualifier) not in flows.configurations
            and (function is None or not function.text("DeadLetterConfig", "TargetArn"))
        ):
            yield flow


def _bypassed(flows: Flows) -> Iterator[Finding]:
    shown = flows.assembly.shown
    for flow in _uncovered(flows):
        others = _configured(flows, flow.target)
        if others:
            yield Finding(
                flow.through,
                f"{flow.through.path} invokes {shown(flow.target)} at {shown(flow.qualifier)}, past the configuration "
                f"of asynchronous invocations on {' and '.join(map(shown, others))}.",
            )


def _lost(flows: Flows) -> Iterator[Finding]:
    sources: dict[tuple[str, str], list[str]] = {}
    for flow in _uncovered(flows):
        if flows.function(flow.target) is not None and not _configured(flows, flow.target):
            sources.setdefault((flow.target, flow.qualifier), []).append(flow.through.path)
    for (arn, qualifier), paths in sources.items():
        invoked = flows.assembly.find(f"{arn}:{qualifier}") or flows.assembly.find(arn)
        if invoked is not None:
            more = f" and {len(paths) - _NAMED_MAX} more" if len(paths) > _NAMED_MAX else ""
            yield Finding(
                invoked,
                f"{invoked.path} is invoked asynchronously, by {', '.join(paths[:_NAMED_MAX])}{more}, and has no "
                f"destination for failures.",
            )


def _configured(flows: Flows, function: str) -> list[str]:
    return sorted(qualifier for arn, qualifier in flows.configurations if arn == function)


DESTINATIONS_BYPASSED: Final = Rule(
    id="destinations-bypassed",
    severity="error",
    reason="Lambda uses the configuration of the very qualifier that is invoked: an event that fails three times here "
    "is dropped without a trace.",
    fix="Invoke the qualifier that has the configuration, or add AsyncDestinations for this one too.",
    source=_defaults.ASYNC_RECORDS,
    find=_bypassed,
)

NO_DESTINATION: Final = Rule(
    id="no-destination",
    severity="warning",
    reason="An event that fails three times is dropped without a trace.",
    fix="Add AsyncDestinations for it, or DurableExecutions if it is durable, or an EventInvokeConfig with a "
    "destination for failures.",
    source=_defaults.ASYNC_RECORDS,
    find=_lost,
)

RULES: Final = (DESTINATIONS_BYPASSED, NO_DESTINATION)
