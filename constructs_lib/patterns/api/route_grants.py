"""The permission to call one route of an API, and none below it.

In the ARN of a route each variable is a `*`, and IAM's `*` goes across slashes: `GET/drivers/*` is also
`GET/drivers/7/earnings`. Routes that would be granted so, and were not asked for, are denied.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from constructs_lib.patterns.api.route import Endpoint


@dataclass(frozen=True)
class Requests:
    """What arrives at a route by one method."""

    method: str
    path: str
    route: str

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path: a text, `*` for a variable, `**` for a greedy one."""
        return tuple(
            part if not part.startswith("{") else "**" if part.endswith("+}") else "*"
            for part in self.path[1:].split("/")
        )

    @property
    def arn_path(self) -> str:
        """The path as an ARN has it, without the slash at its beginning."""
        return "/".join("*" if part == "**" else part for part in self.segments)


@dataclass
class Granted:
    """What one principal may call, over all of its grants."""

    allowed: dict[str, Sequence[Requests]] = field(default_factory=dict)
    """The requests that are allowed, by route."""
    denied: set[str] = field(default_factory=set)
    """The routes that are denied."""


@dataclass(frozen=True)
class Grant:
    """What a policy must state."""

    allow: Sequence[Requests]
    deny: Sequence[Requests]
    also_reached: Sequence[str]
    """Routes that the caller reaches too: denying them would deny what is granted."""


def requests(endpoint: Endpoint) -> list[Requests]:
    """Name the requests of a route; method by method, since the `*` of a method goes across slashes too."""
    return [Requests(method, endpoint.path, endpoint.key) for method in endpoint.methods]


def grant(endpoints: Iterable[Endpoint], routes: Sequence[str], earlier: Granted) -> Grant:
    """Work out what lets a caller reach routes and no other.

    Args:
        endpoints: All endpoints with IAM authorization.
        routes: The routes to grant.
        earlier: What the caller was granted before; is updated.

    Returns:
        What to allow and to deny.
    """
    by_route = {endpoint.key: requests(endpoint) for endpoint in endpoints}
    allow = [each for route in routes for each in by_route[route]]
    earlier.allowed |= {route: by_route[route] for route in routes}
    kept = [each for allowed in earlier.allowed.values() for each in allowed]
    reached = [
        each
        for route, others in by_route.items()
        if route not in earlier.allowed
        for each in others
        if any(_covers(granted, each) and not _takes(granted, each) for granted in allow)
    ]
    deny = [each for each in reached if not any(_would_deny(each, granted) for granted in kept)]
    earlier.denied |= {each.route for each in deny}
    open_ = dict.fromkeys(each.route for each in reached if each not in deny)
    return Grant(allow=allow, deny=deny, also_reached=list(open_))


def _covers(granted: Requests, other: Requests) -> bool:
    """Whether the ARN of one route matches a request of another."""
    return granted.method == other.method and _meet(granted.segments, other.segments)


def _would_deny(denied: Requests, granted: Requests) -> bool:
    """Whether the ARN of a denied route matches a request that arrives at a granted one."""
    return _covers(denied, granted) and not _takes(denied, granted)


def _takes(first: Requests, second: Requests) -> bool:
    """Whether API Gateway gives a request that two routes match to the first of them: a text beats a variable."""
    if "*" not in first.arn_path:
        return True
    if len(first.segments) != len(second.segments) or "**" in (*first.segments, *second.segments):
        return False
    for of_first, of_second in zip(first.segments, second.segments, strict=True):
        if of_first != of_second:
            return of_second == "*"
    return False


@cache
def _meet(arn: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether one request matches both: each `*` of an ARN is one segment or more, a variable exactly one."""
    if not arn or not path:
        return not arn and not path
    if not (arn[0] == path[0] or arn[0].startswith("*") or path[0].startswith("*")):
        return False
    rest = [(arn[1:], path[1:])]
    if arn[0].startswith("*"):
        rest.append((arn, path[1:]))
    if path[0] == "**":
        rest.append((arn[1:], path))
    return any(_meet(*each) for each in rest)
