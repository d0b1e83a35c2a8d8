"""A dashboard that is filled from what the constructs of an app watch."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, NestedStack, Stack, Stage
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import (
    AlarmSettings,
    AppDashboard,
    Authorization,
    InvalidPropsError,
    ProvisionedApi,
    QueueConsumer,
    _defaults,
)
from constructs_lib.foundation import alarms
from tests.gallery import SCENES, built, template_of
from tests.gallery.parts import live
from tests.gallery.plain_function import function

ACCOUNT, REGION = "123456789012", "eu-west-1"
HERE = Environment(account=ACCOUNT, region=REGION)
DASHBOARD, ALARM = "AWS::CloudWatch::Dashboard", "AWS::CloudWatch::Alarm"


def app_of_stacks(tmp_path: Path) -> App:
    """An app without packaging."""
    return App(
        outdir=str(tmp_path / "cdk.out"), context={"aws:cdk:bundling-stacks": []}, analytics_reporting=False
    )


def consumer(scope: Construct, construct_id: str = "Orders") -> QueueConsumer:
    return QueueConsumer(scope, construct_id, function=function(scope, f"{construct_id}Function"))


def body(stack: Stack) -> dict[str, Any]:
    """The body of the dashboard of a synthesized stack; a reference is its JSON in angle brackets."""
    (dashboard,) = [each for each in template_of(stack)["Resources"].values() if each["Type"] == DASHBOARD]
    value = dashboard["Properties"]["DashboardBody"]
    parts = value["Fn::Join"][1] if isinstance(value, dict) else [value]
    text = "".join(
        part if isinstance(part, str) else f"<{json.dumps(part)}>".replace('"', "'") for part in parts
    )
    found: dict[str, Any] = json.loads(text)
    return found


def graphs(stack: Stack, title: str = "") -> list[dict[str, Any]]:
    """The properties of the graphs of a dashboard, or of those with a title."""
    return [
        each["properties"]
        for each in body(stack)["widgets"]
        if each["type"] == "metric" and title in ("", each["properties"]["title"])
    ]


def texts(stack: Stack) -> list[str]:
    return [
        each["properties"]["markdown"].removeprefix("### ")
        for each in body(stack)["widgets"]
        if each["type"] == "text"
    ]


def alarms_shown(stack: Stack) -> list[str]:
    return [
        arn
        for each in body(stack)["widgets"]
        if each["type"] == "alarm"
        for arn in each["properties"]["alarms"]
    ]


def references(value: Any) -> set[str]:
    """The logical ids that a part of a template refers to."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    if set(value) == {"Ref"}:
        return set() if value["Ref"].startswith("AWS::") else {value["Ref"]}
    if set(value) == {"Fn::GetAtt"}:
        return {value["Fn::GetAtt"][0]}
    return references(list(value.values()))


# --- all constructs --------------------------------------------------------------------------------------


def test_a_dashboard_shows_each_alarm_and_each_function_of_the_gallery(tmp_path: Path) -> None:
    """One in each scene's own stack: all that it names is in the template, and all alarms of that are on it."""
    app = App(
        outdir=str(tmp_path),
        context={
            "aws:cdk:bundling-stacks": [],
            "availability-zones:account=123456789012:region=us-east-1": [f"us-east-1{z}" for z in "abc"],
        },
        analytics_reporting=False,
    )
    scenes = [scene for scene in SCENES if not scene.startswith("app_dashboard")]
    stacks = built(app, Environment(account=ACCOUNT, region="us-east-1"), scenes)
    for stack in stacks.values():
        AppDashboard(stack, "TheDashboard", of=stack)
    app.synth()
    seen = 0
    for scene, stack in stacks.items():
        resources = template_of(stack)["Resources"]
        (dashboard,) = [each for each in resources.values() if each["Type"] == DASHBOARD]
        named = references(dashboard["Properties"]["DashboardBody"])
        assert named <= resources.keys() | template_of(stack).get("Parameters", {}).keys(), scene
        assert named >= {name for name, each in resources.items() if each["Type"] == ALARM}, scene
        functions = {
            name
            for name, each in resources.items()
            if each["Type"] == "AWS::Lambda::Function" and "CustomResourceProvider" not in name
        }
        assert named >= functions, scene
        seen += len(named)
        widgets = body(stack)["widgets"]
        assert all(each["x"] + each["width"] <= 24 for each in widgets)
    assert seen > 500


def test_what_comes_after_it_is_shown_too(tmp_path: Path) -> None:
    """And what is of plain CDK: a function, and an alarm of one's own."""
    app = app_of_stacks(tmp_path)
    stack = Stack(app, "Stack")
    AppDashboard(stack, "Dashboard")
    consumer(stack)
    lambda_.Function(
        stack,
        "Plain",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handle",
        code=lambda_.Code.from_inline("def handle(event, context): ..."),
    )
    cloudwatch.Alarm(
        stack,
        "TripsSold",
        metric=cloudwatch.Metric(namespace="Shop", metric_name="Sold"),
        threshold=3,
        evaluation_periods=1,
    )
    app.synth()
    assert texts(stack) == ["Stack/Orders", "Stack/OrdersFunction", "Stack/Plain", "Stack/TripsSold"]
    (sold,) = graphs(stack, "Trips sold")
    assert sold["metrics"] == [["Shop", "Sold"]]
    assert [each["value"] for each in sold["annotations"]["horizontal"]] == [3]
    assert len(graphs(stack, "Invocations")) == 2


def test_a_row_has_thresholds_and_the_traffic(tmp_path: Path) -> None:
    app = app_of_stacks(tmp_path)
    stack = Stack(app, "Stack")
    consumer(stack)
    ProvisionedApi(
        stack, "Api", routes={"GET /": live(function(stack))}, authorization=Authorization.public(), http=True
    )
    AppDashboard(stack, "Dashboard")
    app.synth()
    (dead,), (oldest,) = graphs(stack, "Dead letter"), graphs(stack, "Oldest message")
    assert dead["annotations"]["horizontal"][0]["value"] == 0
    assert oldest["annotations"]["horizontal"][0]["value"] > 0
    (messages,) = graphs(stack, "Messages")
    assert [line[1] for line in messages["metrics"]] == [
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
    ]
    assert messages["metrics"][0][3] == oldest["metrics"][0][3], "of the queue, and not of its dead letters"
    (requests,) = graphs(stack, "Requests")
    assert [line[1] for line in requests["metrics"]] == ["Count", "4xx"]
    assert body(stack)["periodOverride"] == "inherit"


def test_a_function_is_shown_at_its_alias(tmp_path: Path) -> None:
    app = app_of_stacks(tmp_path)
    stack = Stack(app, "Stack")
    live(function(stack, "Behind"))
    function(stack, "Without")
    AppDashboard(stack, "Dashboard")
    app.synth()
    assert texts(stack) == ["Stack/Live", "Stack/Without"]
    at_alias, of_function = graphs(stack, "Invocations")
    for line in at_alias["metrics"]:
        assert line[2:6:2] == ["FunctionName", "Resource"]
        assert line[5] == f"{line[3]}:live"
    assert [line[1] for line in at_alias["metrics"]] == ["Invocations", "Errors", "Throttles"]
    assert [line[4]["stat"] for line in of_function["metrics"]] == ["Sum"] * 3
    for concurrency in graphs(stack, "Concurrent executions"):
        assert concurrency["metrics"][0][2] == "FunctionName"
        assert len(concurrency["metrics"][0]) == 5, "of the function as a whole"
    duration, _ = graphs(stack, "Duration")
    assert [line[6]["stat"] for line in duration["metrics"]] == ["p50", "p99"]


def test_alarms_that_are_left_out_have_their_graphs(tmp_path: Path) -> None:
    """And so has nothing of another app, nor of another stack."""
    app = app_of_stacks(tmp_path)
    AlarmSettings.of(app).leave_out()
    stack = Stack(app, "Stack")
    consumer(stack)
    consumer(Stack(app, "Other"))
    AppDashboard(stack, "Dashboard", of=stack)
    app.synth()
    assert alarms_shown(stack) == []
    assert [each["annotations"]["horizontal"][0]["value"] for each in graphs(stack, "Dead letter")] == [0]


def test_alarms_that_are_left_out_are_in_the_order_of_their_creation(tmp_path: Path) -> None:
    """A set would have another order in each run, and `cdk diff` a change of the dashboard."""
    app = app_of_stacks(tmp_path)
    AlarmSettings.of(app).leave_out()
    stack = Stack(app, "Stack")
    names = [f"Orders{number}" for number in range(10, 30)]
    made = [consumer(stack, name).dead_letter_alarm for name in names]
    assert [each for each in alarms.left_out if each in made] == made


def test_it_shows_the_part_that_is_asked_for(tmp_path: Path) -> None:
    app = app_of_stacks(tmp_path)
    stack = Stack(app, "Stack")
    group = Construct(stack, "Group")
    consumer(group)
    consumer(stack)
    AppDashboard(stack, "Dashboard", of=group)
    app.synth()
    assert texts(stack) == ["Stack/Group/Orders", "Stack/Group/OrdersFunction"]


def test_widgets_of_ones_own_come_first(tmp_path: Path) -> None:
    app = app_of_stacks(tmp_path)
    stack = Stack(app, "Stack")
    made = AppDashboard(stack, "Dashboard")
    consumer(stack)
    made.dashboard.add_widgets(cloudwatch.TextWidget(markdown="The runbook", height=2))
    app.synth()
    first, status, *_ = body(stack)["widgets"]
    assert first["properties"]["markdown"] == "The runbook"
    assert (status["type"], status["y"]) == ("alarm", 2)


# --- other stacks ----------------------------------------------------------------------------------------


def test_other_stacks_are_read_without_exports(tmp_path: Path) -> None:
    """What they show can be removed from them: nothing imports it."""
    app = app_of_stacks(tmp_path)
    orders = Stack(app, "Orders", env=HERE)
    consumer(orders)
    consumer(NestedStack(orders, "Nested"))
    mine = Stack(app, "Mine", env=HERE)
    AppDashboard(mine, "Dashboard")
    app.synth()
    text = json.dumps(template_of(mine))
    assert "Fn::ImportValue" not in text
    outputs = template_of(orders)["Outputs"]
    assert not any("Export" in each for each in outputs.values())
    assert {name for name in outputs if f'"OutputName": "{name}"' in text} == outputs.keys()
    assert references([each["Value"] for each in outputs.values()]) <= template_of(orders)["Resources"].keys()
    assert len(alarms_shown(mine)) == 8
    assert [each.node.path for each in mine.dependencies] == ["Orders"]


def test_equal_logical_ids_of_two_stacks_are_two_outputs(tmp_path: Path) -> None:
    """Of nested stacks, and of stacks whose queues a third one watches: each graph has its own queue."""
    app = app_of_stacks(tmp_path)
    watching = Stack(app, "Watching", env=HERE)
    for name in ("One", "Two"):
        for queue in (
            sqs.Queue(Stack(app, name, env=HERE), "Queue"),
            sqs.Queue(NestedStack(watching, name), "Nested"),
        ):
            queue.metric_number_of_messages_sent().create_alarm(
                watching, f"{name}{queue.node.id}Alarm", threshold=1, evaluation_periods=1
            )
    mine = Stack(app, "Mine", env=HERE)
    AppDashboard(mine, "Dashboard")
    app.synth()
    assert len({graph["metrics"][0][3] for graph in graphs(mine)}) == 4
    outputs = template_of(watching)["Outputs"].values()
    assert len({json.dumps(each["Value"]) for each in outputs}) == len(outputs) == 8


def test_a_metric_of_another_account_stays_one(tmp_path: Path) -> None:
    """CloudWatch's cross-account observability: an alarm may watch what another account shares."""
    app = app_of_stacks(tmp_path)
    orders = Stack(app, "Orders", env=HERE)
    shared = cloudwatch.Metric(namespace="Shop", metric_name="Sold", account="210987654321")
    doubled = cloudwatch.MathExpression(expression="2 * sold", using_metrics={"sold": shared})
    for name, metric in (("One", shared), ("Two", doubled)):
        cloudwatch.Alarm(orders, name, metric=metric, threshold=3, evaluation_periods=1)
    mine = Stack(app, "Mine", env=HERE)
    AppDashboard(mine, "Dashboard")
    app.synth()
    for title in ("One", "Two"):
        (graph,) = graphs(mine, title)
        assert graph["metrics"][-1][-1]["accountId"] == "210987654321"


def test_texts_of_other_stacks_are_read_without_exports(tmp_path: Path) -> None:
    """The label of a metric, which is in the label of its threshold too, and the names of a metric."""
    app = app_of_stacks(tmp_path)
    orders = Stack(app, "Orders", env=HERE)
    name = sqs.Queue(orders, "Queue").queue_name
    plain = cloudwatch.Metric(namespace=f"Shop/{name}", metric_name=f"Sold{name}", label=f"Sold by {name}")
    doubled = cloudwatch.MathExpression(expression=f"SEARCH('{name}')", using_metrics={}, label=f"2 {name}")
    for construct_id, metric in (("One", plain), ("Two", doubled)):
        cloudwatch.Alarm(orders, construct_id, metric=metric, threshold=3, evaluation_periods=1)
    mine = Stack(app, "Mine", env=HERE)
    AppDashboard(mine, "Dashboard")
    app.synth()
    text = json.dumps(template_of(mine))
    assert "Fn::ImportValue" not in text
    assert text.count("Sold by ") == 2
    assert not any("Export" in each for each in template_of(orders)["Outputs"].values())


def test_another_region_is_shown_with_its_name(tmp_path: Path) -> None:
    app = app_of_stacks(tmp_path)
    far = Stack(app, "Far", env=Environment(account=ACCOUNT, region="us-east-1"))
    consumer(far)
    mine = Stack(app, "Mine", env=HERE)
    AppDashboard(mine, "Dashboard")
    app.synth()
    assert texts(mine)[0] == "Far/Orders in us-east-1"
    assert {each["region"] for each in graphs(mine)} == {"us-east-1"}
    assert "'Region': 'us-east-1'" in alarms_shown(mine)[0]


def test_two_dashboards_share_the_outputs(tmp_path: Path) -> None:
    app = app_of_stacks(tmp_path)
    orders = Stack(app, "Orders")
    consumer(orders)
    both = [Stack(app, name) for name in ("One", "Two")]
    for each in both:
        AppDashboard(each, "Dashboard", of=orders)
    app.synth()
    assert graphs(both[0]) == graphs(both[1])
    assert [each.dependencies == [orders] for each in both] == [True, True]


@pytest.mark.parametrize("why", ["account 210987654321", "another stage"])
def test_what_cannot_be_shown_is_named(tmp_path: Path, why: str) -> None:
    app = app_of_stacks(tmp_path)
    if why == "another stage":
        other = Stack(Stage(app, "Test"), "Orders")
    else:
        other = Stack(app, "Orders", env=Environment(account="210987654321", region=REGION))
    consumer(other)
    mine = Stack(app, "Mine", env=HERE)
    made = AppDashboard(mine, "Dashboard")
    app.synth()
    assert graphs(mine) == []
    assert texts(mine) == [f"Not shown: {other.node.path} ({why})."]
    (info,) = [str(entry.data) for entry in made.node.metadata if entry.type == "aws:cdk:info"]
    assert info.startswith(f"Not shown: {other.node.path} ({why}). A dashboard shows the stacks of its own")


def test_in_a_stage_it_shows_the_stage(tmp_path: Path) -> None:
    app = app_of_stacks(tmp_path)
    consumer(Stack(app, "Outside"))
    stage = Stage(app, "Test")
    consumer(Stack(stage, "Orders"))
    mine = Stack(stage, "Mine")
    AppDashboard(mine, "Dashboard")
    app.synth()
    assert texts(mine) == ["Test/Orders/Orders", "Test/Orders/OrdersFunction"]


def test_in_a_stack_that_others_depend_on_it_is_refused(tmp_path: Path) -> None:
    app = app_of_stacks(tmp_path)
    operations = Stack(app, "Operations", env=HERE)
    AlarmSettings.of(app).notify(sns.Topic(operations, "Alarms"))
    orders = Stack(app, "Orders", env=HERE)
    consumer(orders)
    orders.add_stack_dependency(operations)
    AppDashboard(operations, "Dashboard")
    with pytest.raises(
        RuntimeError, match="the dashboard cannot be in the stack Operations, on which Orders"
    ):
        app.synth()


# --- limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "refused"), [(199, False), (200, True)])
def test_more_outputs_than_a_template_has_are_refused(tmp_path: Path, count: int, refused: bool) -> None:
    """One for each alarm, and one for the name that all of them watch."""
    app = app_of_stacks(tmp_path)
    orders = Stack(app, "Orders", env=HERE)
    queue = sqs.Queue(orders, "Queue")
    for number in range(count):
        queue.metric_number_of_messages_sent().create_alarm(
            orders, f"Alarm{number}", threshold=1, evaluation_periods=1
        )
    made = AppDashboard(Stack(app, "Mine", env=HERE), "Dashboard")
    app.synth()
    assert len(template_of(orders)["Outputs"]) == count + 1
    errors = [str(entry.data) for entry in made.node.metadata if entry.type == "aws:cdk:error"]
    assert [each.startswith("The dashboard reads 201 outputs of Orders, and a") for each in errors] == [
        True
    ] * refused


def test_more_than_a_hundred_alarms_are_in_several_widgets(tmp_path: Path) -> None:
    app = app_of_stacks(tmp_path)
    stack = Stack(app, "Stack")
    for number in range(101):
        cloudwatch.Alarm(
            stack,
            f"Alarm{number}",
            metric=cloudwatch.Metric(namespace="Shop", metric_name="Sold"),
            threshold=1,
            evaluation_periods=1,
        )
    AppDashboard(stack, "Dashboard")
    app.synth()
    status = [each["properties"]["alarms"] for each in body(stack)["widgets"] if each["type"] == "alarm"]
    assert [len(each) for each in status] == [100, 1]


def test_more_widgets_than_cloudwatch_takes_fail_synth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_defaults, "DASHBOARD_WIDGETS_MAX", 5)
    app = app_of_stacks(tmp_path)
    stack = Stack(app, "Stack")
    consumer(stack)
    made = AppDashboard(stack, "Dashboard")
    app.synth()
    errors = [str(entry.data) for entry in made.node.metadata if entry.type == "aws:cdk:error"]
    assert len(errors) == 1
    assert "widgets, and CloudWatch allows 5. Create several, each of a part of the app" in errors[0]


def test_an_error_names_the_app(stack: Stack) -> None:
    with pytest.raises(InvalidPropsError, match="of must be an app"):
        AppDashboard(stack, "Dashboard", of=Stack(App(), "Other"))
