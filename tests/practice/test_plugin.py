"""How the rules run within CDK's validation."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag
import jsii
import pytest
from aws_cdk import Acknowledgment, App, CloudFormationValidatePlugin, Environment, Stack, Stage, Validations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template
from constructs import Construct, RootConstruct

import constructs_lib
from benchmarks.synth.round_trips import RoundTrips
from constructs_lib import AsyncDestinations, EventRule, QueueConsumer
from constructs_lib.practice import plugin, rules
from constructs_lib.practice.rule import Rule
from tests.gallery import SCENES
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import live, queue
from tests.gallery.plain_function import function
from tests.practice.report import EVERYWHERE, errors, findings, report

ROOT = Path(__file__).parents[2]


def own_queue(stack: Stack) -> QueueConsumer:
    """A consumer whose function may send to its queue: one error."""
    worker = function(stack)
    consumer = QueueConsumer(stack, "Consumer", function=live(worker))
    consumer.grant_send_messages(worker)
    return consumer


def path(stack: str) -> str:
    return f"{stack}/Consumer/EventSourceMapping/Resource"


# --- where it runs ---------------------------------------------------------------------------------------


def test_synth_fails_with_the_construct_path(app: App, stack: Stack) -> None:
    own_queue(stack)
    with pytest.raises(RuntimeError, match="ValidationFailed") as raised:
        app.synth()
    text = str(raised.value)
    assert path("Stack") in text
    assert "Suggested fix" in text
    assert "Acknowledge with 'constructs-lib::invokes-itself'" in text


def test_a_template_for_assertions_fails_too(stack: Stack) -> None:
    own_queue(stack)
    with pytest.raises(RuntimeError, match="invokes-itself"):
        Template.from_stack(stack)


def test_a_stack_without_an_app_fails_too() -> None:
    stack = Stack()
    own_queue(stack)
    with pytest.raises(RuntimeError, match="invokes-itself"):
        Template.from_stack(stack)


def test_stages_are_checked_with_their_app(app: App) -> None:
    for name, region in (("Test", "us-east-1"), ("Prod", "eu-west-1")):
        stage = Stage(app, name, env=Environment(account="123456789012", region=region))
        own_queue(Stack(stage, "Stack"))
    assert sorted(errors(app)) == [
        ("invokes-itself", path("Prod/Stack")),
        ("invokes-itself", path("Test/Stack")),
    ]


def test_a_stage_without_our_constructs_is_checked_too(app: App) -> None:
    function(Stack(app, "Ours"), "Anything")
    theirs = Stack(Stage(app, "Prod"), "Theirs")
    place = sqs.Queue(theirs, "Queue")
    for name in ("One", "Another"):
        worker = lambda_.Function(
            theirs,
            name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handle",
            code=lambda_.Code.from_inline("def handle(event, context): pass"),
        )
        lambda_.EventSourceMapping(theirs, f"{name}Mapping", target=worker, event_source_arn=place.queue_arn)
    assert errors(app) == [("competing-consumers", "Prod/Theirs/AnotherMapping/Resource")]


def test_cdk_runs_no_plugin_for_a_stage_alone(app: App) -> None:
    """docs/practice.md explains this. If it changes, delete the sentence there."""
    stack = Stack(Stage(app, "Prod"), "Stack")
    own_queue(stack)
    Template.from_stack(stack)
    assert errors(app) == [("invokes-itself", path("Prod/Stack"))]


def test_an_app_is_checked_once_however_many_constructs_it_has(app: App) -> None:
    for name in ("One", "Another"):
        stack = Stack(app, name)
        own_queue(stack)
        AsyncDestinations(stack, "Results", function=live(function(stack, "Other"), "OtherLive"))
    assert sorted(errors(app)) == [("invokes-itself", path("Another")), ("invokes-itself", path("One"))]


def test_two_apps_do_not_know_of_each_other(tmp_path: Path) -> None:
    apps = [App(outdir=str(tmp_path / name)) for name in ("one", "another")]
    own_queue(Stack(apps[0], "Stack"))
    another = Stack(apps[1], "Stack")
    QueueConsumer(another, "Consumer", function=live(another))
    assert errors(apps[1]) == []
    assert errors(apps[0]) == [("invokes-itself", path("Stack"))]


def test_a_second_synth_is_checked_again(app: App, stack: Stack) -> None:
    consumer = own_queue(stack)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="invokes-itself"):
            app.synth(force=True)
    Validations.of(consumer).acknowledge(
        Acknowledgment(id="constructs-lib::invokes-itself", reason="It ends.")
    )
    app.synth(force=True)


def test_an_app_without_our_constructs_can_ask_for_it(app: App, stack: Stack) -> None:
    place = sqs.Queue(stack, "Queue")
    plugin.check_app_of(stack, app)
    plugin.check_app_of(place, stack)
    assert report(app)["conclusion"] == "success"


def test_a_tree_without_an_app_is_left_alone() -> None:
    """CDK synthesizes nothing of it, and takes no plugins for it."""
    stack = Stack(RootConstruct("Root"), "Stack")
    plugin.check_app_of(sqs.Queue(stack, "Queue"), stack)


SCENE_OF = {
    "AppDashboard": "app_dashboard",
    "AsyncDestinations": "async_destinations",
    "BrokerConsumer": "broker_consumer",
    "BucketEvents": "bucket_events",
    "ConcurrencyBudget": "concurrency_budget",
    "ContainerFunction": "container_function",
    "DsqlCluster": "dsql_cluster",
    "DurableExecutions": "durable_executions",
    "EdgeFunction": "edge_function",
    "EventRule": "event_rule",
    "FeatureFlags": "feature_flags",
    "FunctionEndpoint": "function_endpoint",
    "IdempotencyTable": "idempotency_table",
    "KafkaConsumer": "kafka_consumer",
    "KillSwitch": "kill_switch",
    "KinesisConsumer": "kinesis_consumer",
    "LiveAlias": "live_alias",
    "LoadBalancedFunction": "load_balanced_function",
    "LongJob": "long_job",
    "ParametersAndSecrets": "parameters_and_secrets",
    "ProvisionedApi": "http_api",
    "ProxiedDatabase": "proxied_database_for_a_demo",
    "PythonFunction": "python_function",
    "PythonLayer": "python_layer",
    "QueueConsumer": "queue_consumer",
    "ScheduledInvocation": "scheduled_invocation",
    "ServerlessCache": "serverless_cache",
    "TableStreamConsumer": "table_stream_consumer",
    "TopicSubscription": "topic_subscription",
    "UserPoolTriggers": "user_pool_triggers",
}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in constructs_lib.__all__
        if issubclass(getattr(constructs_lib, name), Construct)  # an error and a plan are classes too
    ],
)
def test_every_construct_turns_the_checks_on(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kind = getattr(constructs_lib, name)
    turned_on: list[Any] = []
    record = lambda construct, scope: turned_on.append((type(construct), scope))  # noqa: E731
    (checking,) = {
        cls.__module__ for cls in kind.__mro__ if "check_app_of" in vars(sys.modules[cls.__module__])
    }
    monkeypatch.setattr(sys.modules[checking], "check_app_of", record)
    SCENES[SCENE_OF[name]](stack)
    assert (kind, stack) in turned_on


# --- severity, acknowledgments, other plugins ------------------------------------------------------------


@pytest.mark.parametrize("at", [lambda stack, consumer: consumer, lambda stack, consumer: stack])
def test_a_finding_is_acknowledged_with_a_reason(app: App, stack: Stack, at: Any) -> None:
    consumer = own_queue(stack)
    Validations.of(at(stack, consumer)).acknowledge(
        Acknowledgment(id="constructs-lib::invokes-itself", reason="It ends after a few rounds.")
    )
    app.synth()
    (suppressed,) = report(app)["suppressedViolations"]
    assert suppressed["reason"] == "It ends after a few rounds."


def test_another_finding_is_not_acknowledged_by_it(app: App, stack: Stack) -> None:
    consumer = own_queue(stack)
    Validations.of(consumer).acknowledge(Acknowledgment(id="constructs-lib::endless-loop", reason="No."))
    with pytest.raises(RuntimeError, match="invokes-itself"):
        app.synth()


def warned(stack: Stack) -> None:
    EventRule(stack, "Source", function=live(stack), event_pattern=TRIPS)


def test_a_warning_does_not_fail_synth(app: App, stack: Stack, capfd: pytest.CaptureFixture[str]) -> None:
    warned(stack)
    app.synth()
    assert [(each.rule, each.severity) for each in findings(app)] == [("no-destination", "warning")]
    # Node writes it, and a thread of jsii passes it on: some time after synth has returned.
    shown, give_up = "", time.monotonic() + 300
    while "Acknowledge with 'constructs-lib::no-destination'" not in shown:
        assert time.monotonic() < give_up, shown
        shown += capfd.readouterr().err
        time.sleep(0.01)


def test_a_warning_fails_a_strict_synth(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), context={"@aws-cdk/core:strictCfnValidateErrors": True})
    warned(Stack(app, "Stack"))
    with pytest.raises(RuntimeError, match="no-destination"):
        app.synth()


@jsii.implements(cdk.IPolicyValidationPlugin)
class Theirs:
    """A plugin of the user's, which finds nothing."""

    @property
    def name(self) -> str:
        return "theirs"

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        return cdk.PolicyValidationPluginReport(success=True, violations=[])


@pytest.mark.parametrize("when", ["before", "after"])
def test_other_plugins_and_cdks_rules_run_next_to_it(tmp_path: Path, when: str) -> None:
    app = App(outdir=str(tmp_path), context={"@aws-cdk/core:validateAgainstDefaultRules": when == "after"})

    def add_theirs() -> None:
        Validations.of(app).add_plugins(
            Theirs(),  # type: ignore[arg-type]
            cdk_nag.AwsSolutionsChecks(app),
        )
        if when == "after":  # once: CDK's own validator costs seconds
            Validations.of(app).add_plugins(CloudFormationValidatePlugin())

    if when == "before":
        add_theirs()
    stack = Stack(app, "Stack")
    own_queue(stack)
    sqs.Queue(stack, "Open")
    if when == "after":
        add_theirs()
    with pytest.raises(RuntimeError) as raised:
        app.synth()
    assert "constructs-lib::invokes-itself" in str(raised.value)
    assert "AwsSolutions-SQS4" in str(raised.value)


# --- robustness ------------------------------------------------------------------------------------------


def test_a_rule_that_fails_does_not_fail_synth(
    app: App, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(flows: object) -> list[Any]:
        raise KeyError("Surprise")

    rule = Rule(id="broken", severity="error", reason="R.", fix="F.", source="https://x", find=broken)
    monkeypatch.setattr(rules, "RULES", (rule, *rules.RULES))
    own_queue(stack)
    violations = [each for each in report(app)["violations"] if each["ruleName"] != EVERYWHERE]
    assert [(each["ruleName"], each["severity"]) for each in violations] == [
        ("not-checked", "warning"),
        ("invokes-itself", "error"),
    ]
    assert "The rule broken failed on this app" in violations[0]["description"]
    assert "KeyError('Surprise')" in violations[0]["description"]


class Asked:
    """What older versions of CDK ask: for the templates of one environment."""

    def __init__(self, app: App, *paths: str) -> None:
        self.app_construct = app
        self.template_paths = paths


def test_each_environment_is_reported_where_it_is_asked_for(app: App) -> None:
    """CDK 2.262 asks like this. All templates are read at the first question of a synth, and not again."""
    for name, region in (("One", "us-east-1"), ("Another", "eu-west-1")):
        own_queue(Stack(app, name, env=Environment(account="123456789012", region=region)))
    assert len(errors(app)) == 2
    files = [str(Path(app.outdir) / f"{name}.template.json") for name in ("One", "Another")]
    ours = plugin._Plugin()
    for file in files:
        result = ours.validate(Asked(app, file))  # type: ignore[arg-type]
        assert result.success is False
        (violation,) = [each for each in result.violations if each.rule_name != EVERYWHERE]
        assert [place.template_path for place in violation.violating_resources] == [file]
    for file in files:
        template = Path(file).read_text().replace("sqs:SendMessage", "sqs:GetQueueUrl")
        Path(file).write_text(template)
    for file in files:
        assert ours.validate(Asked(app, file)).success is True  # type: ignore[arg-type]


# --- cost ------------------------------------------------------------------------------------------------


def test_an_app_pays_for_it_once(app: App, stack: Stack) -> None:
    with RoundTrips().counted() as trips:
        plugin.check_app_of(stack, app)
        first = trips.count
        plugin.check_app_of(sqs.Queue(stack, "One"), stack)
        plugin.check_app_of(sqs.Queue(stack, "Another"), stack)
        inside = trips.count - first - 2  # the queues themselves
        elsewhere = Stack(app, "Elsewhere")
        before = trips.count
        plugin.check_app_of(sqs.Queue(elsewhere, "One"), elsewhere)
    assert first == 3
    assert inside == 0
    assert trips.count - before - 1 == 1  # the queue itself


def filled(app: App, instances: int) -> int:
    """The round trips of so many patterns, each in a stack of its own, and of the synth."""
    with RoundTrips().counted() as trips:
        for number in range(instances):
            stack = Stack(app, f"Stack{number}")
            called = live(function(stack))
            QueueConsumer(stack, "Consumer", function=called)
            EventRule(stack, "Rule", function=called, event_pattern=TRIPS)
            AsyncDestinations(stack, "Results", function=called, on_success=queue(stack))
        app.synth()
    return trips.count


def test_round_trips_do_not_grow_with_the_app(tmp_path: Path) -> None:
    apps = {size: App(outdir=str(tmp_path / str(size)), analytics_reporting=False) for size in (1, 4, 8)}
    cost = {size: filled(app, size) for size, app in apps.items()}
    assert cost[8] - cost[4] == 4 * (cost[4] - cost[1]) / 3


def test_the_rules_load_no_aws_cdk() -> None:
    code = (
        "import sys, constructs_lib.practice.rules\n"
        "print([m for m in sys.modules if m.startswith(('aws_cdk', 'jsii', 'constructs_lib.foundation'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_the_report_names_every_rule_that_ran(app: App, stack: Stack) -> None:
    assert set(plugin._Plugin().rule_ids) == {rule.id for rule in rules.RULES}
    own_queue(stack)
    (written,) = [
        each
        for each in json.loads(report_file(app).read_text())["pluginReports"]
        if each["pluginName"] == "constructs-lib"
    ]
    assert written["pluginVersion"] == plugin._Plugin().version


def report_file(app: App) -> Path:
    report(app)
    return Path(app.outdir) / "validation-report.json"
