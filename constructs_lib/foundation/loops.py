"""Loops that the construct tree shows: a function whose results, or whose writing, would call it again.

Lambda stops some loops after 16 rounds (see RECURSION), and only those whose every link it can trace; each of
the rounds is paid for. What leads where is read from the resources themselves, whoever made them: event source
mappings, subscriptions, rules, permissions and event invoke configurations. While a construct is made, the
stacks that take part are read; at synth, the whole app once more, for what was made later.
"""

import json
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from aws_cdk import Stack, Stage, Token
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from constructs_lib import _defaults
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import at_synth, own_writing, wildcards
from constructs_lib.foundation.called import Called, called
from constructs_lib.foundation.own_writing import several

_DEFAULT_BUS: Final = "default"
_RECORD: Final = {
    "source": "lambda",
    "detail-type": "Lambda Function Invocation Result - *",
}
"""The event that a record is on a bus."""
_BUS_ARN: Final = re.compile(r':event-bus/([\w./-]+)(?:"\]\])?}?$')
"""Of an imported bus, as text or as a join; what it is called follows."""
_OBJECT: Final = {"source": "aws.s3", "detail-type": "Object Created"}
"""The event that a record is in a bucket."""


@dataclass(frozen=True)
class Place:
    """Where something is sent: a queue, topic, bus, bucket or function."""

    arn: str
    """Of a function: without its qualifier."""
    at: IConstruct
    bus_name: str | None = None
    bucket_name: str | None = None
    """Of an imported bucket too, which has no construct to be found in a stack."""


# --- what is asked -------------------------------------------------------------------------------------


def refuse_destinations(scope: Construct, source: Called, targets: Mapping[str, Place | None]) -> None:
    """Refuse destinations whose records would come back to their function.

    Args:
        scope: Where the configuration is going to be.
        source: The function.
        targets: By argument; None for one that is not given, or is going to be made.

    Raises:
        InvalidPropsError: The argument, and the way back.
    """
    if own_writing.is_meant(source):
        return
    given = {argument: place for argument, place in targets.items() if place is not None}
    for argument, place in given.items():
        if place.arn == source.base_arn:
            raise InvalidPropsError(
                f"{argument} cannot be the function itself, got {place.at.node.path}: each result would call it "
                f"again, for ever. See {_defaults.RECURSION}"
            )
    if not given:
        return
    flows = _Flows(_around(scope, source.base, *(place.at for place in given.values())))
    for argument, place in given.items():
        way = flows.way(place, source.base_arn)
        if way is not None:
            raise InvalidPropsError(
                f"{argument} {place.at.node.path} leads back to the function, through {' and '.join(way)}: each "
                f"result would call it again, for ever. If that is meant: recursive_loop=ALLOW on it. "
                f"See {_defaults.RECURSION}"
            )


def refuse_source(scope: Construct, function: Called, name: str, place: Place) -> None:
    """Refuse a source of events that the function's own destinations feed.

    Args:
        scope: Where the source's construct is going to be.
        function: What it calls.
        name: The argument.
        place: The queue, topic, bus or bucket.

    Raises:
        InvalidPropsError: The way from the function to it.
    """
    if own_writing.is_meant(function):
        return
    flows = _Flows(_around(scope, function.base, place.at))
    for target in flows.of_function(function.base_arn):
        way = flows.way(Place(target, place.at), *_keys(place))
        if way is not None:
            through = f", through {' and '.join(way)}" if way else ""
            raise InvalidPropsError(
                f"{name} {place.at.node.path} gets what the function's own destinations send{through}: each result "
                f"would call it again, for ever. See {_defaults.RECURSION}"
            )


def lets_records_through(pattern: Mapping[str, Any]) -> bool:
    """Whether a rule would see the record of an invocation, as far as the outer fields of its pattern tell.

    Args:
        pattern: As in the template.

    Returns:
        False if it asks for another source or another type.
    """
    return _may_match(pattern, _RECORD)


# --- what is asked again at synth ----------------------------------------------------------------------

_watched: WeakKeyDictionary[IConstruct, list[tuple[Construct, Called]]] = WeakKeyDictionary()


def watch_destinations(construct: Construct, source: Called) -> None:
    """Look at the whole app at synth: nothing that was made later may lead a result back.

    Args:
        construct: The construct with the configuration.
        source: Its function.
    """
    root = construct.node.root
    if root not in _watched:
        _watched[root] = []
        at_synth.check(construct, lambda: _first_loop(root))
    _watched[root].append((construct, source))


def _first_loop(root: IConstruct) -> str | None:
    flows = _Flows(root.node.find_all())
    for construct, source in _watched[root]:
        if own_writing.is_meant(source):
            continue
        for target in flows.of_function(source.base_arn):
            way = flows.way(Place(target, construct), source.base_arn)
            if way is not None:
                return (
                    f"{construct.node.path} sends results that lead back to {source.base.node.path}, through "
                    f"{' and '.join(way)}: each would call it again, for ever. See {_defaults.RECURSION}"
                )
    return None


# --- what leads where ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Link:
    to: str
    through: IConstruct


class _Names:
    """By what texts a function, queue, topic or bus is called, in templates too."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self._stacks: dict[str, Stack] = {}
        self._in_templates: dict[str, dict[str, str]] = {}
        self._environments: dict[str, tuple[str, IConstruct | None]] = {}

    def add(self, stack: Stack, key: str, *texts: str) -> None:
        for text in texts:
            self.keys[text] = key
            self._stacks[text] = stack

    def of_template(self, stack: Stack, value: object) -> str:
        """What a value means that was resolved in a stack; a logical id means one of that stack first."""
        path = stack.node.path
        if path not in self._in_templates:
            here = [text for text in self.keys if self._can_be_said_in(stack, text)]
            own_last = sorted(here, key=lambda text: self._stacks[text] is stack)
            self._in_templates[path] = {_text(stack.resolve(text)): self.keys[text] for text in own_last}
        text = _text(value)
        imported_bus = _BUS_ARN.search(text)
        return self._in_templates[path].get(text) or (imported_bus[1] if imported_bus else text)

    def _can_be_said_in(self, stack: Stack, text: str) -> bool:
        """Not a token of another environment, or of another stage: CDK would refuse the reference."""
        theirs = self._stacks[text]
        if theirs is stack or not Token.is_unresolved(text):
            return True
        return self._where(theirs) == self._where(stack)

    def _where(self, stack: Stack) -> tuple[str, IConstruct | None]:
        path = stack.node.path
        if path not in self._environments:
            self._environments[path] = (stack.environment, Stage.of(stack))
        return self._environments[path]


class _Flows:
    """What leads where, among some constructs."""

    def __init__(self, constructs: Iterable[IConstruct]) -> None:
        self._links: dict[str, list[_Link]] = defaultdict(list)
        self._rules: list[events.CfnRule] = []
        self._buckets: dict[str, str] = {}
        self._names = _Names()
        resources = []
        for construct in constructs:
            if isinstance(construct, lambda_.Function | lambda_.Alias | lambda_.Version):
                it = called(construct)
                self._names.add(Stack.of(construct), it.base_arn, it.arn, construct.function_name)
            elif isinstance(construct, events.EventBus):
                # A rule names its bus, a target has its ARN.
                name, arn = construct.event_bus_name, construct.event_bus_arn
                self._names.add(Stack.of(construct), name, name, arn)
            elif isinstance(construct, s3.Bucket):
                arn = construct.bucket_arn
                self._buckets[arn] = construct.bucket_name
                self._names.add(Stack.of(construct), arn, arn)
            elif isinstance(construct, sqs.Queue):
                self._names.add(Stack.of(construct), construct.queue_arn, construct.queue_arn)
            elif isinstance(construct, sns.Topic):
                self._names.add(Stack.of(construct), construct.topic_arn, construct.topic_arn)
            else:
                resources.append(construct)
        for resource in resources:
            self._read(resource)

    def of_function(self, base_arn: str) -> list[str]:
        """Where the function's results go."""
        return [link.to for link in self._links[base_arn]]

    def way(self, start: Place, *goals: str) -> list[str] | None:
        """The constructs on the way from one place to another.

        Args:
            start: From here.
            *goals: To one of these.

        Returns:
            Their paths; empty if it is the same place, None if there is no way.
        """
        seen = set(_keys(start))
        waiting: deque[tuple[str, list[_Link]]] = deque((key, []) for key in seen)
        if start.bucket_name is not None:
            self._buckets[start.arn] = start.bucket_name
        while waiting:
            at, behind = waiting.popleft()
            at = self._names.keys.get(at, at)
            if at in goals:
                return [link.through.node.path for link in behind]
            for link in (*self._links.get(at, ()), *self._bucket_links(at)):
                if link.to not in seen:
                    seen.add(link.to)
                    waiting.append((link.to, [*behind, link]))
        return None

    def _link(self, start: str | None, end: str | None, through: IConstruct) -> None:
        if start is not None and end is not None:
            names = self._names.keys
            self._links[names.get(start, start)].append(_Link(names.get(end, end), through))

    def _read(self, resource: IConstruct) -> None:
        if isinstance(resource, lambda_.CfnEventSourceMapping):
            self._link(resource.event_source_arn, resource.function_name, resource)
        elif isinstance(resource, sns.CfnSubscription):
            if resource.protocol in ("lambda", "sqs"):
                self._link(resource.topic_arn, resource.endpoint, resource)
        elif isinstance(resource, lambda_.CfnPermission):
            # S3's own notifications leave this trace: a custom resource sets them up.
            if resource.principal == "s3.amazonaws.com":
                self._link(resource.source_arn, resource.function_name, resource)
        elif isinstance(resource, lambda_.CfnEventInvokeConfig):
            config: Any = Stack.of(resource).resolve(resource.destination_config) or {}
            for outcome in ("onSuccess", "onFailure"):
                arn = (config.get(outcome) or {}).get("destination")
                if arn is not None:
                    target = self._names.of_template(Stack.of(resource), arn)
                    self._link(resource.function_name, target, resource)
        elif isinstance(resource, events.CfnRule):
            self._rules.append(resource)
            self._read_rule(resource)

    def _read_rule(self, rule: events.CfnRule) -> None:
        stack = Stack.of(rule)
        pattern: Any = stack.resolve(rule.event_pattern) or {}
        if not pattern or not lets_records_through(pattern):
            return  # a schedule, or of something else
        bus = rule.event_bus_name or _DEFAULT_BUS
        for arn in _targets(rule):
            self._link(bus, self._names.of_template(stack, arn), rule)

    def _bucket_links(self, arn: str) -> list[_Link]:
        """Rules that see a record which Lambda puts into a bucket; none for what is no bucket."""
        bucket_name = self._buckets.get(arn)
        if bucket_name is None:
            return []
        found = []
        for rule in self._rules:
            stack = Stack.of(rule)
            pattern: Any = stack.resolve(rule.event_pattern) or {}
            names, keys = (
                _inner(pattern, "detail", "bucket", "name"),
                _inner(pattern, "detail", "object", "key"),
            )
            if (
                rule.event_bus_name in (None, _DEFAULT_BUS)
                and pattern
                and _may_match(pattern, _OBJECT)
                and (names is None or self._is_named(stack, bucket_name, names))
                and (keys is None or _any_may_match(keys, f"{_defaults.ASYNC_S3_PREFIX}*"))
            ):
                found += [_Link(self._names.of_template(stack, arn), rule) for arn in _targets(rule)]
        return found

    def _is_named(self, stack: Stack, bucket_name: str, matchers: Sequence[Any]) -> bool:
        resolved = stack.resolve(bucket_name)
        return resolved in matchers or (isinstance(resolved, str) and _any_may_match(matchers, resolved))


def _targets(rule: events.CfnRule) -> list[Any]:
    """The ARNs that a rule calls, as in its template; none that an intrinsic function decides on."""
    targets = Stack.of(rule).resolve(rule.targets) or []
    return [target["arn"] for target in targets if isinstance(target, dict) and "arn" in target]


def _inner(pattern: Mapping[str, Any], *names: str) -> list[Any] | None:
    """The matchers of an inner field; None where nothing is said of it, empty where it is to be something else."""
    at: Any = pattern
    for name in names:
        if not isinstance(at, dict):
            return []
        if name not in at:
            return None
        at = at[name]
    return at if isinstance(at, list) else []


def _around(*constructs: IConstruct) -> list[IConstruct]:
    """Everything in the stacks of some constructs."""
    stacks = {stack.node.path: stack for stack in map(Stack.of, constructs)}
    return [part for stack in stacks.values() for part in stack.node.find_all()]


def _keys(place: Place) -> Sequence[str]:
    if place.bus_name is None:
        return (place.arn,)
    if Token.is_unresolved(place.arn):
        return (place.arn, place.bus_name)
    return (place.arn, place.arn.rpartition("/")[2])  # an imported bus


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _may_match(pattern: Mapping[str, Any], event: Mapping[str, str]) -> bool:
    """Whether a rule's pattern lets such an event through, as far as its outer fields tell."""
    return all(_any_may_match(matchers, event[name]) for name, matchers in pattern.items() if name in event)


def _any_may_match(matchers: Sequence[Any], value: str) -> bool:
    return any(_one_may_match(matcher, value) for matcher in matchers)


def _one_may_match(matcher: Any, value: str) -> bool:
    wanted: wildcards.Pattern
    if isinstance(matcher, str):
        wanted = list(matcher)
    elif isinstance(matcher, dict) and isinstance(matcher.get("prefix"), str):
        wanted = [*matcher["prefix"], wildcards.ANYTHING]
    elif isinstance(matcher, dict) and isinstance(matcher.get("suffix"), str):
        wanted = [wildcards.ANYTHING, *matcher["suffix"]]
    elif isinstance(matcher, dict) and isinstance(matcher.get("wildcard"), str):
        wanted = wildcards.pattern(matcher["wildcard"], escaped=True)
    elif isinstance(matcher, dict) and "anything-but" in matcher:
        return value not in several(matcher["anything-but"])
    else:
        return (
            not isinstance(matcher, dict)
            or "equals-ignore-case" not in matcher
            or (str(matcher["equals-ignore-case"]).lower() == value.lower())
        )
    return wildcards.overlap(wanted, wildcards.pattern(value))
