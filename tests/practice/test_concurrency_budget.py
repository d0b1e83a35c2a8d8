"""What the functions of an account take, counted over all stacks of an app."""

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Environment, Stack, Stage
from aws_cdk import aws_lambda as lambda_

from constructs_lib import ConcurrencyBudget, LiveAlias
from constructs_lib.practice.assembly import Assembly
from constructs_lib.practice.rules import findings as of_assembly
from tests.gallery.plain_function import function
from tests.practice.report import Found, findings

HERE = Environment(account="111111111111", region="us-east-1")
ELSEWHERE = Environment(account="111111111111", region="eu-west-1")
RULES = ("concurrency-budget-exceeded", "concurrency-above-default")


def found(app: App) -> list[Found]:
    return findings(app, *RULES)


def names(app: App) -> list[tuple[str, str]]:
    return [(each.rule, each.severity) for each in found(app)]


EXCEEDED = [("concurrency-budget-exceeded", "error")]
ABOVE_DEFAULT = [("concurrency-above-default", "warning")]


def stacks(app: App, *reserved: int | None, env: Environment = HERE) -> list[Stack]:
    """A stack for each function."""
    made = []
    for number, each in enumerate(reserved):
        made.append(Stack(app, f"Stack{number}", env=env))
        function(made[-1], reserved_concurrent_executions=each)
    return made


def test_who_takes_what_is_a_table(app: App) -> None:
    first, second = stacks(app, 700, None)
    worker = function(second, "Worker", reserved_concurrent_executions=60)
    LiveAlias(second, "Live", function=worker, provisioned_concurrency=40)
    LiveAlias(first, "Live", function=function(first, "Api"), provisioned_concurrency=1_050)
    ConcurrencyBudget(first, "Budget", account_limit=2_000, taken_elsewhere=100)
    (exceeded,) = found(app)
    assert exceeded.path == "Stack0/Budget/ClaimedAlarm/Resource"
    said, *table, reason = exceeded.text.splitlines()
    assert said == (
        "The functions of account 111111111111 in us-east-1 take 1,910 of its concurrency, and 1,900 can be taken: its "
        "limit is 2,000, of which 100 stay unreserved."
    )
    assert table == [
        "  reserved  provisioned  takes  function",
        "                  1,050  1,050  Stack0/Api",
        "       700                 700  Stack0/Function",
        "        60           40     60  Stack1/Worker",
        "                           100  outside of this app",
    ]
    assert reason.startswith(" Lambda refuses")
    assert exceeded.severity == "error"


@pytest.mark.parametrize(("reserved", "expected"), [(200, []), (201, EXCEEDED)])
def test_a_hundred_stay_unreserved(app: App, reserved: int, expected: Any) -> None:
    first, _ = stacks(app, 700, reserved)
    ConcurrencyBudget(first, "Budget")
    assert names(app) == expected


@pytest.mark.parametrize(("limit", "expected"), [(1_500, []), (800, EXCEEDED)])
def test_the_limit_is_the_accounts_own(app: App, limit: int, expected: Any) -> None:
    first, _ = stacks(app, 700, 250)
    ConcurrencyBudget(first, "Budget", account_limit=limit)
    assert names(app) == expected


def test_a_new_account_can_reserve_nothing(app: App) -> None:
    (first,) = stacks(app, 1)
    ConcurrencyBudget(first, "Budget", account_limit=10)
    assert names(app) == EXCEEDED


@pytest.mark.parametrize(("reserved", "expected"), [(200, []), (201, ABOVE_DEFAULT)])
def test_without_a_budget_the_default_limit_is_a_warning(app: App, reserved: int, expected: Any) -> None:
    stacks(app, 700, reserved)
    assert names(app) == expected
    for each in found(app):
        assert each.path == "Stack0/Function/Resource"
        assert "may be 10" in each.text


@pytest.mark.parametrize("inside", [True, False])
def test_a_budget_is_of_one_account_and_region(app: App, inside: bool) -> None:
    stacks(app, 700, 700)
    home = Stack(app, "Home", env=HERE if inside else ELSEWHERE)
    ConcurrencyBudget(home, "Budget", account_limit=1_600)
    assert names(app) == ([] if inside else ABOVE_DEFAULT)


def test_the_budget_of_another_region_does_not_count_these(app: App) -> None:
    stacks(app, 800)
    home = Stack(app, "Home", env=ELSEWHERE)
    function(home, reserved_concurrent_executions=800)
    ConcurrencyBudget(home, "Budget")
    assert names(app) == []


@pytest.mark.parametrize("env", [HERE, None])
def test_stages_share_an_account_that_is_known(app: App, env: Any) -> None:
    """Where it is not known, each stage may be deployed to an account of its own."""
    for name in ("Test", "Prod"):
        stack = Stack(Stage(app, name, env=env), "Stack")
        function(stack, reserved_concurrent_executions=600)
        ConcurrencyBudget(stack, "Budget")
    assert names(app) == (EXCEEDED if env else [])


def test_of_two_budgets_the_one_with_less_room_counts(app: App) -> None:
    first, second = stacks(app, 700, 250)
    ConcurrencyBudget(first, "Budget", account_limit=2_000)
    ConcurrencyBudget(second, "Budget")
    assert [each.path for each in found(app)] == ["Stack1/Budget/ClaimedAlarm/Resource"]


# --- what a function takes -------------------------------------------------------------------------------


def taken(**resources: Any) -> list[str]:
    """The rows of the table, with a limit that everything exceeds."""
    budget = {"constructs-lib:concurrency-budget": {"AccountLimit": 1, "TakenElsewhere": 1}}
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Metadata": budget}
    assembly = Assembly.of({"Stack": {"Resources": {"Budget": alarm, **resources}}})
    ((_, only),) = [each for each in of_assembly(assembly) if each[0].id == "concurrency-budget-exceeded"]
    return [" ".join(line.split()) for line in only.text.splitlines()[2:]]


def worker(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "worker", **properties}}


def alias(name: str = "live", provisioned: Any = None, **others: Any) -> dict[str, Any]:
    config = (
        {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": provisioned}}
        if provisioned
        else {}
    )
    return {
        "Type": "AWS::Lambda::Alias",
        "Properties": {"FunctionName": "worker", "FunctionVersion": "1", "Name": name, **config},
        **others,
    }


def target(most: int, name: str = "live", **others: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "ResourceId": f"function:worker:{name}",
            "ScalableDimension": "lambda:function:ProvisionedConcurrency",
            "ServiceNamespace": "lambda",
            "MinCapacity": 1,
            "MaxCapacity": most,
            **others,
        },
    }


def at_six(most: int) -> dict[str, Any]:
    return {"ScheduledActions": [{"ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": most}}]}


@pytest.mark.parametrize(
    ("resources", "row"),
    [
        ({"Worker": worker(ReservedConcurrentExecutions=50)}, "50 50 Stack/Worker"),
        ({"Worker": worker(ReservedConcurrentExecutions="50")}, "50 50 Stack/Worker"),
        ({"Worker": worker(ReservedConcurrentExecutions=50), "Live": alias(provisioned=20)}, "50 20 50 Stack/Worker"),
        ({"Worker": worker(), "Live": alias(provisioned=20)}, "20 20 Stack/Worker"),
        ({"Worker": worker(), "Live": alias(provisioned=20), "Next": alias("next", 5)}, "25 25 Stack/Worker"),
        ({"Worker": worker(), "Live": alias(), "Scaled": target(70)}, "70 70 Stack/Worker"),
        ({"Worker": worker(), "Live": alias(provisioned=20), "Scaled": target(70)}, "70 70 Stack/Worker"),
        ({"Worker": worker(), "Live": alias(), "Scaled": target(70, **at_six(90))}, "90 90 Stack/Worker"),
        ({"Scaled": target(70)}, "70 70 arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:worker"),
        (
            {
                "Worker": worker(),
                "Live": alias(provisioned=20, Condition="IsProd"),
                "Next": alias("next", 5, Condition="IsTest"),
            },
            "20 20 Stack/Worker",
        ),
    ],
    ids=[
        "reserved",
        "reserved as a text",
        "the larger of both",
        "provisioned",
        "all aliases together",
        "the maximum of scaling",
        "the same alias once",
        "the maximum of a schedule",
        "a function of another app",
        "conditions that exclude each other",
    ],
)  # fmt: skip
def test_what_a_function_takes(resources: dict[str, Any], row: str) -> None:
    assert taken(**resources) == [row, "1 outside of this app"]


@pytest.mark.parametrize(
    "resources",
    [
        {"Worker": worker(ReservedConcurrentExecutions=0)},
        {"Worker": worker()},
        {"Worker": worker(CapacityProviderConfig={"x": "y"}), "Live": alias(provisioned=20)},
        {"Table": target(50, ScalableDimension="dynamodb:table:ReadCapacityUnits", ResourceId="table/Trips")},
    ],
    ids=["disabled", "nothing reserved", "on managed instances", "scaling of something else"],
)
def test_what_takes_nothing(resources: dict[str, Any]) -> None:
    assert taken(**resources) == ["1 outside of this app"]


def test_of_conditions_the_one_that_takes_the_most_counts() -> None:
    def under(condition: str, name: str, reserved: int) -> dict[str, Any]:
        return worker(FunctionName=name, ReservedConcurrentExecutions=reserved) | {"Condition": condition}

    rows = taken(
        One=under("IsProd", "one", 20),
        Two=under("IsProd", "two", 30),
        Three=under("IsTest", "three", 40),
        Always=worker(ReservedConcurrentExecutions=10),
    )
    assert rows == ["30 30 Stack/Two", "20 20 Stack/One", "10 10 Stack/Always", "1 outside of this app"]


def test_what_only_the_deployment_knows_is_named(app: App) -> None:
    first, _ = stacks(app, 700, 300)
    parameter = CfnParameter(first, "Reserved", type="Number")
    function(first, "Asked", reserved_concurrent_executions=parameter.value_as_number)
    lambda_.Alias(
        first,
        "Live",
        alias_name="live",
        version=function(first, "Kept").current_version,
        provisioned_concurrent_executions=parameter.value_as_number,
    )
    ConcurrencyBudget(first, "Budget")
    (exceeded,) = found(app)
    for name in ("Asked", "Kept"):
        assert f"0  Stack0/{name} (in part known only at deployment, which counts as 0)" in exceeded.text
