"""The tables of docs/what-works-with-what.md: each cell is what the code does."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from aws_cdk import App, Duration, Size, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from constructs_lib import (
    ContainerFunction,
    Durable,
    InvalidPropsError,
    LiveAlias,
    ManagedInstances,
    PythonFunction,
)
from tests.gallery.database import imported_vpc
from tests.gallery.function import provider
from tests.gallery.plain_function import HANDLERS
from tests.invocations import MAKE, accepts, alias, unqualified, version

PAGE: Final = (Path(__file__).parents[1] / "docs" / "what-works-with-what.md").read_text()
NOT_OFFERED: Final = "not offered"
WORKS: Final = "works"
VERSIONS: Final = "alias or version"
IMAGE: Final = "container image"
PROVISIONED: Final = "provisioned concurrency"


def tables() -> Iterator[dict[str, dict[str, str]]]:
    """Each table of the page: its cells by the first cell of their row, and by column."""
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, flags=re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
        header, _, *body = rows
        yield {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in body}


FEATURES, CONSTRUCTS, REASONS = tables()


def arguments(stack: Stack, feature: str) -> Mapping[str, Any]:
    """The arguments of a function with a feature."""
    match feature:
        case "SnapStart":
            return {"snap_start": True}
        case "/tmp above 512 MB":
            return {"ephemeral_storage_size": Size.gibibytes(1)}
        case "VPC":
            return {"vpc": imported_vpc(stack)}
        case "layers":
            arn = "arn:aws:lambda:us-east-1:123456789012:layer:any:1"
            return {"layers": [lambda_.LayerVersion.from_layer_version_arn(stack, "Layer", arn)]}
        case "own key":
            return {"environment_encryption": kms.Key(stack, "Key")}
        case "durable":
            return {"durable": Durable(execution_timeout=Duration.minutes(10))}
        case "managed instances":
            return {"managed_instances": ManagedInstances(capacity_provider=provider(stack))}
        case "tenant isolation":
            return {"tenant_isolation": True}
        case "reserved concurrency":
            return {"reserved_concurrent_executions": 10}
        case "newer runtime":
            return {"runtime": lambda_.Runtime("python3.15", lambda_.RuntimeFamily.PYTHON)}
        case "container image" | "provisioned concurrency" | "plain":
            return {}
    raise AssertionError(feature)


def function(stack: Stack, *features: str, **more: Any) -> lambda_.Function:
    given = {name: value for each in features for name, value in arguments(stack, each).items()} | more
    if IMAGE in features:
        return ContainerFunction(stack, "Worker", entry=HANDLERS / "container", **given)
    return PythonFunction(stack, "Worker", entry=HANDLERS / "plain", handler="app.handle", **given)


def check(cell: str, outcome: str | InvalidPropsError) -> None:
    """Compare a cell with what happens; a refusal has its reason in the last table."""
    refused = re.fullmatch(r"refused \((\d+)\)", cell)
    if refused is None:
        assert str(outcome) == cell
        return
    reason = REASONS[refused[1]]
    (phrase,) = re.findall(r"`(.*)`", reason["what the message has"])
    (page,) = re.findall(r"\((https://.*)\)", reason["AWS's page"])
    assert isinstance(outcome, InvalidPropsError)
    assert phrase in str(outcome)
    assert page in str(outcome)


@pytest.fixture(scope="module")
def cheap_app() -> App:
    """An app whose stacks are not packaged."""
    return App(context={"aws:cdk:bundling-stacks": []})


PAIRS: Final = [(row, column) for row, cells in FEATURES.items() for column in cells]


@pytest.mark.parametrize(("one", "other"), [pair for pair in PAIRS if pair[0] != pair[1]])
def test_features_work_together_as_the_table_shows(cheap_app: App, one: str, other: str) -> None:
    stack = Stack(cheap_app, re.sub(r"\W+", "-", f"{one} and {other}").strip("-"))
    check(FEATURES[one][other], together(stack, one, other))


def together(stack: Stack, one: str, other: str) -> str | InvalidPropsError:
    try:
        made = function(stack, one, other)
        if PROVISIONED in (one, other):
            LiveAlias(stack, "Live", function=made, provisioned_concurrency=1)
    except InvalidPropsError as error:
        return error
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        return NOT_OFFERED
    return WORKS


def test_the_table_of_features_has_each_pair_once() -> None:
    names = list(FEATURES)
    assert all(list(cells) == names for cells in FEATURES.values())
    assert all(FEATURES[name][name] == "" for name in names)
    assert all(FEATURES[one][other] == FEATURES[other][one] for one, other in PAIRS)


@pytest.mark.parametrize(
    ("construct", "kind"), [(construct, kind) for construct, cells in CONSTRUCTS.items() for kind in cells]
)
def test_constructs_take_functions_as_the_table_shows(cheap_app: App, construct: str, kind: str) -> None:
    outcomes = {
        what: invoked(Stack(cheap_app, name_of(construct, kind, what.__name__)), construct, kind, what)
        for what in (unqualified, version, alias)
        if accepts(construct, what)
    }
    working = {what for what, outcome in outcomes.items() if outcome == WORKS}
    if working == {version, alias} != outcomes.keys():
        outcome: str | InvalidPropsError = VERSIONS
    else:
        assert len(working) in (0, len(outcomes))
        outcome = next(reversed(outcomes.values()))
    check(CONSTRUCTS[construct][kind], outcome)


def name_of(*parts: str) -> str:
    return re.sub(r"\W+", "-", " ".join(parts)).strip("-")


def invoked(stack: Stack, construct: str, kind: str, what: Any) -> str | InvalidPropsError:
    try:
        MAKE[construct](stack, what(function(stack, kind, timeout=Duration.seconds(5))))
    except InvalidPropsError as error:
        return error
    return WORKS


def test_the_table_of_constructs_has_all_of_them() -> None:
    assert CONSTRUCTS.keys() == MAKE.keys()


def test_each_reason_is_used() -> None:
    used = {
        number
        for table in (FEATURES, CONSTRUCTS)
        for cells in table.values()
        for cell in cells.values()
        for number in re.findall(r"\((\d+)\)", cell)
    }
    assert used == REASONS.keys()
