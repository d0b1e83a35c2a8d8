"""The concurrency that all functions of one account and Region take away from each other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import Resource
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Finding, Rule

METADATA: Final = "constructs-lib:concurrency-budget"
"""The metadata of an alarm with the limit of its account and Region, and what is taken elsewhere, by a
`ConcurrencyBudget`."""

Place = tuple[str, str, str]
"""An account and a Region, and where either is known only at deployment, the folder of the stage."""


@dataclass
class _Share:
    """What one function takes."""

    function: str
    """Its ARN."""
    resource: Resource
    """The function, or what provisions concurrency for a function of another app."""
    reserved: int | None = None
    provisioned: list[tuple[Resource, int]] = field(default_factory=list)
    is_unknown: bool = False
    """Whether something of it is known only at deployment."""

    @property
    def provisioned_together(self) -> int:
        """Of all qualifiers; of those that have conditions, the largest alone, since they may exclude each other."""
        conditional = [amount for of, amount in self.provisioned if of.raw.get("Condition")]
        return sum(amount for of, amount in self.provisioned if not of.raw.get("Condition")) + max(
            conditional, default=0
        )

    @property
    def taken(self) -> int:
        """Lambda counts the larger one where a function has both (LAMBDA_CONCURRENCY_METRICS)."""
        return max(self.reserved or 0, self.provisioned_together)


def _place(resource: Resource) -> Place:
    template = resource.template
    assembly = template.assembly
    is_known = not assembly.unknowns(template.account + template.region)
    folder = "" if is_known or template.root.file is None else str(template.root.file.parent)
    return template.account, template.region, folder


def _number(value: Any) -> int | None:
    """A number in a template, which may be a text; None for what is known only at deployment."""
    if isinstance(value, int | float):
        return int(value)
    return int(value) if isinstance(value, str) and value.isdecimal() else None


def _shares(flows: Flows) -> dict[Place, list[_Share]]:
    """What each function takes, by account and Region."""
    shares: dict[str, _Share] = {}
    managed = set()
    for function in flows.assembly.of_type("AWS::Lambda::Function"):
        if function.get("CapacityProviderConfig"):  # managed instances have their own capacity
            managed.add(function.arn)
            continue
        share = shares[function.arn] = _Share(function.arn, function)
        reserved = function.get("ReservedConcurrentExecutions")
        share.reserved = _number(reserved)
        share.is_unknown = reserved is not None and share.reserved is None
    for (function_arn, _), settings in _provisioned(flows).items():
        if function_arn in managed:
            continue
        resource = settings[0][0]
        share = shares.setdefault(function_arn, _Share(function_arn, resource))
        amounts = [_number(amount) for _, amount in settings]
        share.is_unknown |= None in amounts
        share.provisioned.append((resource, max((amount or 0 for amount in amounts), default=0)))
    found: dict[Place, list[_Share]] = defaultdict(list)
    for share in shares.values():
        if share.taken or share.is_unknown:
            found[_place(share.resource)].append(share)
    return {place: _coexisting(several) for place, several in found.items()}


def _provisioned(flows: Flows) -> dict[tuple[str, str], list[tuple[Resource, Any]]]:
    """What is provisioned for each qualifier of a function: fixed, or the most that it scales to."""
    found: dict[tuple[str, str], list[tuple[Resource, Any]]] = defaultdict(list)
    for qualifier in flows.assembly.of_type("AWS::Lambda::Alias", "AWS::Lambda::Version"):
        if qualifier.get("ProvisionedConcurrencyConfig"):
            function, _, name = qualifier.arn.rpartition(":")
            amount = qualifier.get("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions")
            found[function, name].append((qualifier, amount))
    for target in flows.assembly.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        service, _, named = target.text("ResourceId").partition(":")
        if service != "function" or not target.text("ScalableDimension").startswith("lambda:"):
            continue
        scheduled = [each.get("ScalableTargetAction") for each in target.dicts("ScheduledActions")]
        for most in (
            target.get("MaxCapacity"),
            *(action.get("MaxCapacity") for action in scheduled if isinstance(action, dict)),
        ):
            if most is not None:
                found[target.template.function(named)].append((target, most))
    return found


def _coexisting(shares: list[_Share]) -> list[_Share]:
    """The shares without a condition, and of each template those of the condition that takes the most."""
    certain = [share for share in shares if not share.resource.raw.get("Condition")]
    by_condition: dict[Any, dict[str, list[_Share]]] = defaultdict(lambda: defaultdict(list))
    for share in shares:
        condition = share.resource.raw.get("Condition")
        if condition:
            by_condition[share.resource.template][str(condition)].append(share)
    for conditions in by_condition.values():
        certain += max(conditions.values(), key=_sum)
    return sorted(certain, key=lambda share: (-share.taken, share.resource.path))


def _sum(shares: Iterable[_Share]) -> int:
    return sum(share.taken for share in shares)


@dataclass(frozen=True)
class _Budget:
    resource: Resource
    limit: int
    elsewhere: int


def _budgets(flows: Flows) -> dict[Place, _Budget]:
    """The budget of each account and Region; of several, the one with the least room."""
    found: dict[Place, _Budget] = {}
    for alarm in flows.assembly.of_type("AWS::CloudWatch::Alarm"):
        metadata = alarm.raw.get("Metadata")
        match metadata.get(METADATA) if isinstance(metadata, dict) else None:
            case {"AccountLimit": int() as limit, "TakenElsewhere": int() as elsewhere}:
                budget = _Budget(alarm, limit, elsewhere)
                place = _place(alarm)
                if place not in found or _room(budget) < _room(found[place]):
                    found[place] = budget
    return found


def _room(budget: _Budget) -> int:
    return budget.limit - budget.elsewhere


def _exceeded(flows: Flows) -> Iterator[Finding]:
    shares = _shares(flows)
    for place, budget in _budgets(flows).items():
        taken = _sum(shares.get(place, ())) + budget.elsewhere
        if taken > _available(budget.limit):
            yield Finding(
                budget.resource,
                _text(flows, place, taken, budget.limit, shares.get(place, []), budget.elsewhere),
            )


def _above_default(flows: Flows) -> Iterator[Finding]:
    budgets = _budgets(flows)
    limit = _defaults.ACCOUNT_CONCURRENCY
    for place, shares in _shares(flows).items():
        taken = _sum(shares)
        if place not in budgets and taken > _available(limit):
            yield Finding(shares[0].resource, _text(flows, place, taken, limit, shares, 0))


def _available(limit: int) -> int:
    return max(0, limit - _defaults.UNRESERVED_CONCURRENCY_MIN)


def _text(flows: Flows, place: Place, taken: int, limit: int, shares: list[_Share], elsewhere: int) -> str:
    account, region, _ = (flows.assembly.shown(each) for each in place)
    rows = [("reserved", "provisioned", "takes", "function")]
    rows += [_row(flows, share) for share in shares]
    if elsewhere:
        rows.append(("", "", f"{elsewhere:,}", "outside of this app"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    table = "\n".join(
        "  " + "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    )
    return (
        f"The functions of account {account} in {region} take {taken:,} of its concurrency, and {_available(limit):,} "
        f"can be taken: its limit is {limit:,}, of which {_defaults.UNRESERVED_CONCURRENCY_MIN} stay unreserved.\n"
        f"{table}\n"
    )


def _row(flows: Flows, share: _Share) -> tuple[str, str, str, str]:
    provisioned = share.provisioned_together
    name = (
        share.resource.path if share.resource.arn == share.function else flows.assembly.shown(share.function)
    )
    return (
        "" if share.reserved is None else f"{share.reserved:,}",
        f"{provisioned:,}" if provisioned else "",
        f"{share.taken:,}",
        f"{name} (in part known only at deployment, which counts as 0)" if share.is_unknown else name,
    )


BUDGET_EXCEEDED: Final = Rule(
    id="concurrency-budget-exceeded",
    severity="error",
    reason="Lambda refuses the reserved or provisioned concurrency that does not fit, and the deployment fails; a "
    "maximum of scaling that does not fit is never reached.",
    fix='Lower what the largest ones take, or request a higher quota "Concurrent executions", and pass it to '
    "ConcurrencyBudget(account_limit=...).",
    source=_defaults.LAMBDA_CONCURRENCY_METRICS,
    find=_exceeded,
)

ABOVE_DEFAULT_LIMIT: Final = Rule(
    id="concurrency-above-default",
    severity="warning",
    reason="This is AWS's default limit; that of a new account is lower, and may be 10. Lambda refuses the reserved or "
    "provisioned concurrency that does not fit, and the deployment fails.",
    fix='Look up the quota "Concurrent executions" of the account and Region, and pass it to a '
    "ConcurrencyBudget(account_limit=...) in one of its stacks.",
    source=_defaults.LAMBDA_QUOTAS,
    find=_above_default,
)

RULES: Final = (BUDGET_EXCEEDED, ABOVE_DEFAULT_LIMIT)
