"""The promises of LiveAlias, one test each; what belongs together is found by references, not by names."""

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, NestedStack, RemovalPolicy, Stack, TimeZone, Token
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns

from constructs_lib import Authorization, InvalidPropsError, LiveAlias, ProvisionedApi
from tests.gallery.plain_function import function
from tests.template import logical_id, properties, resource, statements, template


def watched(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The dimensions of each metric that an alarm looks at."""
    metrics = [m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m] or [alarm]
    return [{d["Name"]: d["Value"] for d in metric["Dimensions"]} for metric in metrics]


def rollback_alarms(live: LiveAlias) -> list[dict[str, Any]]:
    """Deployment group -> its alarms."""
    configured = properties(live.deployment_group)["AlarmConfiguration"]
    assert configured["Enabled"] is True
    made = template(Stack.of(live))["Resources"]
    return [made[alarm["Name"]["Ref"]]["Properties"] for alarm in configured["Alarms"]]


def version_of(live: LiveAlias) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id(live.version), "Version"]}


def qualified(released: lambda_.Function, alias_name: str = "live") -> dict[str, Any]:
    return {"Fn::Join": ["", [{"Ref": logical_id(released)}, f":{alias_name}"]]}


# --- version and alias ---------------------------------------------------------------------------------


def test_the_alias_points_at_the_version_of_the_code(stack: Stack) -> None:
    released = function(stack)
    live = LiveAlias(stack, "Live", function=released)
    alias = properties(live.alias)
    assert alias["FunctionVersion"] == version_of(live)
    assert alias["FunctionName"] == {"Ref": logical_id(released)}
    assert properties(live.version)["FunctionName"] == {"Ref": logical_id(released)}
    assert alias["Name"] == "live"
    assert "RoutingConfig" not in alias


@pytest.mark.parametrize(
    ("snap_start", "given", "policy"),
    [(False, None, "RetainExceptOnCreate"), (True, None, "Delete"), (True, RemovalPolicy.RETAIN, "Retain")],
    ids=["default", "snap-start", "said"],
)
def test_versions_are_kept_unless_that_costs(
    stack: Stack, snap_start: bool, given: RemovalPolicy | None, policy: str
) -> None:
    live = LiveAlias(
        stack, "Live", function=function(stack, snap_start=snap_start), version_removal_policy=given
    )
    assert resource(live.version).get("DeletionPolicy", "Delete") == policy


def test_any_function_of_the_app_can_be_released(stack: Stack) -> None:
    plain = lambda_.Function(
        stack,
        "Plain",
        runtime=lambda_.Runtime.NODEJS_22_X,
        handler="index.handle",
        code=lambda_.Code.from_inline("exports.handle = async () => 1"),
    )
    live = LiveAlias(stack, "Live", function=plain)
    assert live.latency_alarm is not None
    alarm = properties(live.latency_alarm)
    assert alarm["Threshold"] == pytest.approx(0.8 * 3000), "Lambda's own timeout is three seconds"


# --- releases by CodeDeploy ----------------------------------------------------------------------------


def test_code_deploy_moves_the_alias(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack))
    update = resource(live.alias)["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert update["ApplicationName"] == {"Ref": logical_id(live.application)}
    assert update["DeploymentGroupName"] == {"Ref": logical_id(live.deployment_group)}
    group = properties(live.deployment_group)
    assert group["ApplicationName"] == {"Ref": logical_id(live.application)}
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"


def test_traffic_shifts_as_you_say(stack: Stack) -> None:
    live = LiveAlias(
        stack,
        "Live",
        function=function(stack),
        deployment_config=codedeploy.LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_2_MINUTES,
    )
    group = properties(live.deployment_group)
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaLinear10PercentEvery2Minutes"


def test_a_release_that_fails_is_stopped_or_alarms_rolls_back(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack))
    rollback = properties(live.deployment_group)["AutoRollbackConfiguration"]
    assert rollback["Enabled"] is True
    assert set(rollback["Events"]) == {
        "DEPLOYMENT_FAILURE",
        "DEPLOYMENT_STOP_ON_REQUEST",
        "DEPLOYMENT_STOP_ON_ALARM",
    }


def test_what_rolls_back_watches_the_new_version_behind_the_alias(stack: Stack) -> None:
    """Deployment group -> alarms -> alias and executed version; the old version's failures are not its own."""
    released = function(stack)
    live = LiveAlias(stack, "Live", function=released)
    alarms = rollback_alarms(live)
    expected = {
        "FunctionName": {"Ref": logical_id(released)},
        "Resource": qualified(released),
        "ExecutedVersion": properties(live.alias)["FunctionVersion"],
    }
    seen = [dimensions for alarm in alarms for dimensions in watched(alarm)]
    assert seen == [expected] * 3, "errors, invocations and duration"
    metrics = {
        metric["MetricStat"]["Metric"]["MetricName"]
        for alarm in alarms
        for metric in alarm.get("Metrics", [])
        if "MetricStat" in metric
    } | {alarm["MetricName"] for alarm in alarms if "MetricName" in alarm}
    assert metrics == {"Errors", "Invocations", "Duration"}


def test_your_alarms_roll_back_too(stack: Stack) -> None:
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Orders")
    mine = cloudwatch.Alarm(stack, "Mine", metric=metric, threshold=1, evaluation_periods=1)
    live = LiveAlias(stack, "Live", function=function(stack), rollback_alarms=[mine])
    alarms = rollback_alarms(live)
    assert len(alarms) == 3
    assert properties(mine) in alarms


def api_on(live: LiveAlias, scope: Stack, *, http: bool = False) -> ProvisionedApi:
    return ProvisionedApi(
        scope, "Api", routes={"GET /": live.alias}, authorization=Authorization.iam(), http=http
    )


@pytest.mark.parametrize("http", [False, True], ids=["REST", "HTTP"])
def test_alarms_of_an_api_on_the_alias_roll_back_too(stack: Stack, http: bool) -> None:
    live = LiveAlias(stack, "Live", function=function(stack))
    api = api_on(live, stack, http=http)
    for alarm in (api.server_errors_alarm, api.latency_alarm, api.throttled_requests_alarm):
        live.add_rollback_alarm(alarm)
    alarms = rollback_alarms(live)
    assert len(alarms) == 5
    assert properties(api.server_errors_alarm) in alarms


def test_no_more_than_ten_alarms_roll_back(stack: Stack) -> None:
    live = LiveAlias(
        stack,
        "Live",
        function=function(stack),
        rollback_alarms=[cloudwatch.Alarm.from_alarm_name(stack, f"A{n}", f"a{n}") for n in range(7)],
    )
    live.add_rollback_alarm(cloudwatch.Alarm.from_alarm_name(stack, "Eighth", "eighth"))
    with pytest.raises(
        InvalidPropsError,
        match="at most 8 alarms, got 9: a deployment group takes 10, and the new version has 2",
    ):
        live.add_rollback_alarm(cloudwatch.Alarm.from_alarm_name(stack, "Ninth", "ninth"))


def test_an_alarm_rolls_nothing_back_when_traffic_is_shifted_manually(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack), stable_version="7")
    with pytest.raises(InvalidPropsError, match="add_rollback_alarm cannot be combined with stable_version"):
        live.add_rollback_alarm(cloudwatch.Alarm.from_alarm_name(stack, "Mine", "mine"))


@pytest.mark.parametrize("alarm", ["TooFewOrders", None, 7])
def test_what_rolls_back_is_an_alarm(stack: Stack, alarm: Any) -> None:
    live = LiveAlias(stack, "Live", function=function(stack))
    with pytest.raises(InvalidPropsError, match="rollback_alarms must be alarms, got"):
        live.add_rollback_alarm(alarm)


@pytest.mark.parametrize("nested", [False, True], ids=["another stack", "a nested stack"])
@pytest.mark.parametrize("http", [False, True], ids=["REST", "HTTP"])
def test_an_api_in_another_stack_cannot_roll_back(app: App, stack: Stack, nested: bool, http: bool) -> None:
    """The API waits for the alias, and the alias for its alarms: CDK would end in a DependencyCycle."""
    live = LiveAlias(stack, "Live", function=function(stack))
    elsewhere = NestedStack(stack, "Elsewhere") if nested else Stack(app, "Elsewhere")
    api = api_on(live, elsewhere, http=http)
    with pytest.raises(
        InvalidPropsError, match=r"Put the API into the stack of the alias, or create an alarm in Stack"
    ):
        live.add_rollback_alarm(api.server_errors_alarm)
    app.synth()


def test_an_api_in_another_stack_cannot_roll_back_another_release_there(app: App, stack: Stack) -> None:
    accept = LiveAlias(stack, "Accept", function=function(stack, "AcceptFunction"))
    api = api_on(accept, Stack(app, "Elsewhere"))
    with pytest.raises(
        InvalidPropsError, match="The stack Elsewhere already depends on the stack Stack: with this"
    ):
        LiveAlias(
            stack, "Other", function=function(stack, "Other2"), rollback_alarms=[api.server_errors_alarm]
        )
    assert stack.node.try_find_child("Other") is None
    app.synth()


def test_an_alarm_of_another_stack_rolls_back_where_nothing_waits(app: App, stack: Stack) -> None:
    shop = Stack(app, "Shop")
    orders = cloudwatch.Metric(namespace="Shop", metric_name="Orders")
    too_few = orders.create_alarm(shop, "TooFew", threshold=1, evaluation_periods=1)
    live = LiveAlias(stack, "Live", function=function(stack), rollback_alarms=[too_few])
    with pytest.raises(
        InvalidPropsError, match="Put the API into the stack of the alias, or leave the alarm out"
    ):
        api_on(live, shop)
    assert shop.node.try_find_child("Api") is None
    app.synth()


def test_the_way_out_for_an_api_in_another_stack(app: App, stack: Stack) -> None:
    """The metrics of a REST API have its name and stage, which are texts."""
    errors = cloudwatch.Metric(
        namespace="AWS/ApiGateway",
        metric_name="5XXError",
        dimensions_map={"ApiName": "trips", "Stage": "prod"},
    )
    mine = errors.create_alarm(stack, "Mine", threshold=1, evaluation_periods=1)
    live = LiveAlias(stack, "Live", function=function(stack), rollback_alarms=[mine])
    elsewhere = Stack(app, "Elsewhere")
    ProvisionedApi(
        elsewhere,
        "Api",
        routes={"GET /": live.alias},
        authorization=Authorization.iam(),
        api_name="trips",
        account_log_role=False,
    )
    app.synth()


def test_traffic_waits_for_the_alarms_and_the_role(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack), before_traffic=function(stack, "Hook"))
    first = set(resource(live.alias)["DependsOn"])
    assert {logical_id(live.new_version_errors_alarm), logical_id(live.new_version_latency_alarm)} < first
    policies = {
        name
        for name, resource in template(stack)["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy"
        and {"Ref": logical_id(live.deployment_role)} in resource["Properties"]["Roles"]
    }
    assert policies
    assert policies < first


def test_each_version_has_alarms_of_its_own(app: App) -> None:
    """One that rings because of the version before would stop the release that fixes it."""
    stacks = {level: Stack(app, level) for level in ("low", "high")}
    lives = {
        level: LiveAlias(stack, "Live", function=function(stack, environment={"LEVEL": level}))
        for level, stack in stacks.items()
    }
    for stack in stacks.values():
        template(stack)
    names = ("alias", "errors_alarm", "new_version_errors_alarm", "new_version_latency_alarm")
    old, new = ({name: logical_id(getattr(live, name)) for name in names} for live in lives.values())
    assert {name for name in old if old[name] != new[name]} == {
        "new_version_errors_alarm",
        "new_version_latency_alarm",
    }


def test_code_deploy_may_move_this_alias_and_nothing_else(stack: Stack) -> None:
    released, before, after = function(stack), function(stack, "Before"), function(stack, "After")
    live = LiveAlias(stack, "Live", function=released, before_traffic=before, after_traffic=after)
    role = properties(live.deployment_role)
    assert "ManagedPolicyArns" not in role
    (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "codedeploy.amazonaws.com"}
    assert trusted["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    group = properties(live.deployment_group)
    assert group["ServiceRoleArn"] == {"Fn::GetAtt": [logical_id(live.deployment_role), "Arn"]}
    arn = {"Fn::GetAtt": [logical_id(released), "Arn"]}
    granted = {str(s["Action"]): s["Resource"] for s in statements(live.deployment_role)}
    assert granted == {
        "['lambda:GetAlias', 'lambda:GetProvisionedConcurrencyConfig', 'lambda:UpdateAlias']": [
            arn,
            {"Fn::Join": ["", [arn, ":live"]]},
        ],
        "cloudwatch:DescribeAlarms": "*",
        "lambda:InvokeFunction": [{"Fn::GetAtt": [logical_id(hook), "Arn"]} for hook in (before, after)],
    }


def test_hooks_are_called_and_may_report(stack: Stack) -> None:
    before, after = function(stack, "Before"), function(stack, "After")
    live = LiveAlias(stack, "Live", function=function(stack), before_traffic=before, after_traffic=after)
    assert live.deployment_group is not None
    update = resource(live.alias)["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert update["BeforeAllowTrafficHook"] == {"Ref": logical_id(before)}
    assert update["AfterAllowTrafficHook"] == {"Ref": logical_id(after)}
    arn = stack.resolve(live.deployment_group.deployment_group_arn)
    for hook in (before, after):
        granted = [s for s in statements(hook.role) if "codedeploy" in str(s["Action"])]
        assert [(s["Action"], s["Resource"]) for s in granted] == [
            ("codedeploy:PutLifecycleEventHookExecutionStatus", arn)
        ]


# --- traffic that is shifted manually --------------------------------------------------------------------


def test_manually_the_stable_version_stays_and_the_new_one_gets_its_share(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack), stable_version="7", new_version_weight=0.1)
    alias = properties(live.alias)
    assert alias["FunctionVersion"] == "7"
    assert alias["RoutingConfig"]["AdditionalVersionWeights"] == [
        {"FunctionVersion": version_of(live), "FunctionWeight": 0.1}
    ]


def test_manually_without_a_weight_the_new_version_is_published_only(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack), stable_version="7")
    alias = properties(live.alias)
    assert alias["FunctionVersion"] == "7"
    assert "RoutingConfig" not in alias
    assert resource(live.version)["Type"] == "AWS::Lambda::Version"


def test_manually_code_deploy_has_no_part(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack), stable_version="7", new_version_weight=0.1)
    assert (live.application, live.deployment_group, live.deployment_role) == (None, None, None)
    assert "UpdatePolicy" not in resource(live.alias)
    assert not [r for r in template(stack)["Resources"].values() if r["Type"].startswith("AWS::CodeDeploy")]


def test_manually_the_new_version_is_watched(stack: Stack) -> None:
    released = function(stack)
    live = LiveAlias(stack, "Live", function=released, stable_version="7", new_version_weight=0.1)
    (weight,) = properties(live.alias)["RoutingConfig"]["AdditionalVersionWeights"]
    for dimensions in watched(properties(live.new_version_errors_alarm)):
        assert dimensions["ExecutedVersion"] == weight["FunctionVersion"]
        assert dimensions["Resource"] == qualified(released)


# --- provisioned concurrency ---------------------------------------------------------------------------


def test_provisioned_concurrency_is_the_aliass(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack), provisioned_concurrency=5)
    assert properties(live.alias)["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 5}
    assert "ProvisionedConcurrencyConfig" not in resource(live.version).get("Properties", {})
    assert live.scaling is None


def test_provisioned_concurrency_is_never_released_without_code_deploy(stack: Stack) -> None:
    """A plain update leaves an alias that cannot be deployed any more when the new version does not start."""
    live = LiveAlias(stack, "Live", function=function(stack), provisioned_concurrency=5)
    assert "CodeDeployLambdaAliasUpdate" in resource(live.alias)["UpdatePolicy"]


def scaled(stack: Stack, live: LiveAlias) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The scalable target, which must be the alias, and its policy."""
    ((target_id, target),) = [
        (name, resource["Properties"])
        for name, resource in template(stack)["Resources"].items()
        if resource["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"
    ]
    name = {"Fn::Select": [6, {"Fn::Split": [":", {"Ref": logical_id(live.alias)}]}]}
    assert target["ResourceId"] == {"Fn::Join": ["", ["function:", name, ":live"]]}
    policies = [
        resource["Properties"]
        for resource in template(stack)["Resources"].values()
        if resource["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy"
        and resource["Properties"]["ScalingTargetId"] == {"Ref": target_id}
    ]
    return target, policies[0] if policies else None


@pytest.mark.parametrize(("given", "target"), [(None, 0.7), (0.5, 0.5)], ids=["default", "said"])
def test_it_scales_to_a_share_in_use(stack: Stack, given: float | None, target: float) -> None:
    live = LiveAlias(
        stack,
        "Live",
        function=function(stack),
        provisioned_concurrency=2,
        maximum_provisioned_concurrency=50,
        target_utilization=given,
    )
    scalable, policy = scaled(stack, live)
    assert (scalable["MinCapacity"], scalable["MaxCapacity"]) == (2, 50)
    assert policy is not None
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == target
    assert tracking["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"
    }


MORNING = appscaling.ScalingSchedule(
    schedule=appscaling.Schedule.cron(hour="7", minute="0"),
    time_zone=TimeZone.EUROPE_BERLIN,
    min_capacity=20,
)


def test_it_follows_a_schedule_exactly(stack: Stack) -> None:
    """A minimum alone would let what an earlier action has provisioned stand."""
    live = LiveAlias(
        stack,
        "Live",
        function=function(stack),
        provisioned_concurrency=1,
        provisioned_concurrency_schedule={"Morning": MORNING},
    )
    scalable, policy = scaled(stack, live)
    assert policy is None
    assert (scalable["MinCapacity"], scalable["MaxCapacity"]) == (1, 1)
    assert scalable["ScheduledActions"] == [
        {
            "ScheduledActionName": "Morning",
            "Schedule": "cron(0 7 * * ? *)",
            "Timezone": "Europe/Berlin",
            "ScalableTargetAction": {"MinCapacity": 20, "MaxCapacity": 20},
        }
    ]


def test_a_schedule_leaves_room_for_scaling(stack: Stack) -> None:
    live = LiveAlias(
        stack,
        "Live",
        function=function(stack),
        provisioned_concurrency=1,
        maximum_provisioned_concurrency=50,
        provisioned_concurrency_schedule={"Morning": MORNING},
    )
    scalable, policy = scaled(stack, live)
    assert policy is not None
    (action,) = scalable["ScheduledActions"]
    assert action["ScalableTargetAction"] == {"MinCapacity": 20, "MaxCapacity": 50}


def test_aliases_of_one_function_share_its_reserved_concurrency(stack: Stack) -> None:
    shared = function(stack, reserved_concurrent_executions=10)
    LiveAlias(stack, "First", function=shared, provisioned_concurrency=6)
    with pytest.raises(InvalidPropsError, match="got 5, together with 6 of other aliases"):
        LiveAlias(stack, "Second", function=shared, alias_name="second", provisioned_concurrency=5)
    LiveAlias(stack, "Second", function=shared, alias_name="second", provisioned_concurrency=4)


def test_snap_start_is_of_the_published_version(stack: Stack) -> None:
    released = function(stack, snap_start=True)
    live = LiveAlias(stack, "Live", function=released)
    assert properties(released)["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert properties(live.alias)["FunctionVersion"] == version_of(live)


def test_a_published_snap_start_has_no_warning(app: App, stack: Stack) -> None:
    """CDK warns of each function with SnapStart that it must be published: here it is."""
    LiveAlias(stack, "Live", function=function(stack, snap_start=True))
    messages = app.synth().get_stack_by_name(stack.stack_name).messages
    assert [message.entry.data for message in messages if message.level.name == "WARNING"] == []


# --- alarms --------------------------------------------------------------------------------------------

OF_THE_ALIAS = ("errors_alarm", "throttles_alarm", "latency_alarm", "spillover_alarm", "utilization_alarm")
OF_THE_NEW_VERSION = ("new_version_errors_alarm", "new_version_latency_alarm")


@pytest.fixture
def provisioned(stack: Stack) -> LiveAlias:
    return LiveAlias(
        stack,
        "Live",
        function=function(stack),
        provisioned_concurrency=5,
        alarm_topic=sns.Topic(stack, "Mine"),
    )


@pytest.mark.parametrize("alarm", OF_THE_ALIAS)
def test_the_alias_is_watched(stack: Stack, provisioned: LiveAlias, alarm: str) -> None:
    released = properties(provisioned.alias)["FunctionName"]
    for dimensions in watched(properties(getattr(provisioned, alarm))):
        assert dimensions == {
            "FunctionName": released,
            "Resource": {"Fn::Join": ["", [released, ":live"]]},
        }


@pytest.mark.parametrize("alarm", OF_THE_ALIAS + OF_THE_NEW_VERSION)
def test_every_alarm_notifies_its_topic(stack: Stack, provisioned: LiveAlias, alarm: str) -> None:
    alarming = properties(getattr(provisioned, alarm))
    assert alarming["AlarmActions"] == [{"Ref": logical_id(stack.node.find_child("Mine"))}]
    assert alarming["TreatMissingData"] == "notBreaching"


def test_a_topic_is_created_by_default(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack))
    assert resource(live.alarm_topic)["Type"] == "AWS::SNS::Topic"
    assert properties(live.errors_alarm)["AlarmActions"] == [{"Ref": logical_id(live.alarm_topic)}]


def test_spillover_alarms_at_once(stack: Stack, provisioned: LiveAlias) -> None:
    alarm = properties(provisioned.spillover_alarm)
    assert (alarm["MetricName"], alarm["Statistic"]) == ("ProvisionedConcurrencySpilloverInvocations", "Sum")
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_utilization_alarms_when_little_is_left(stack: Stack, provisioned: LiveAlias) -> None:
    alarm = properties(provisioned.utilization_alarm)
    expression, *metrics = sorted(alarm["Metrics"], key=lambda metric: "Expression" not in metric)
    assert expression["Expression"] == "IF(used >= 10, share, 0)"  # one of one in use is not little left
    assert {
        metric["Id"]: (metric["MetricStat"]["Metric"]["MetricName"], metric["MetricStat"]["Stat"])
        for metric in metrics
    } == {
        "used": ("ProvisionedConcurrentExecutions", "Maximum"),
        "share": ("ProvisionedConcurrencyUtilization", "Maximum"),
    }
    assert alarm["Threshold"] == 0.9


def test_utilization_alarms_above_what_scaling_keeps(stack: Stack) -> None:
    live = LiveAlias(
        stack,
        "Live",
        function=function(stack),
        provisioned_concurrency=1,
        maximum_provisioned_concurrency=9,
        target_utilization=0.9,
    )
    assert properties(live.utilization_alarm)["Threshold"] == pytest.approx(0.95)


def test_without_provisioned_concurrency_there_is_nothing_to_watch_of_it(stack: Stack) -> None:
    live = LiveAlias(stack, "Live", function=function(stack))
    assert (live.spillover_alarm, live.utilization_alarm) == (None, None)


@pytest.mark.parametrize(
    ("given", "milliseconds"),
    [(None, 16_000), (Duration.millis(800), 800)],
    ids=["of-the-timeout", "said"],
)
def test_latency_alarms_at_the_slowest_of_a_hundred(
    stack: Stack, given: Duration | None, milliseconds: float
) -> None:
    live = LiveAlias(
        stack, "Live", function=function(stack, timeout=Duration.seconds(20)), latency_threshold=given
    )
    for part in (live.latency_alarm, live.new_version_latency_alarm):
        alarm = properties(part)
        assert (alarm["MetricName"], alarm["ExtendedStatistic"]) == ("Duration", "p99")
        assert alarm["Threshold"] == milliseconds


# --- tokens --------------------------------------------------------------------------------------------


def test_unresolved_tokens_pass(stack: Stack) -> None:
    """CloudFormation will judge what is known only at deployment."""
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    of_tokens = function(stack, reserved_concurrent_executions=int(number), timeout=Duration.seconds(number))
    live = LiveAlias(
        stack,
        "Live",
        function=of_tokens,
        alias_name=Token.as_string({"Ref": "Name"}),
        provisioned_concurrency=number,
        maximum_provisioned_concurrency=number,
        target_utilization=number,
        provisioned_concurrency_schedule={
            "Day": appscaling.ScalingSchedule(
                schedule=appscaling.Schedule.expression(Token.as_string({"Ref": "When"})),
                min_capacity=number,
                max_capacity=number,
            )
        },
    )
    shifted = LiveAlias(
        stack,
        "ByHand",
        function=function(stack, "Other"),
        stable_version=Token.as_string({"Ref": "Stable"}),
        new_version_weight=number,
        latency_threshold=Duration.millis(number),
    )
    assert live.latency_alarm is None, "of an unknown timeout nothing is known"
    known_later = {"Ref": "Number"}
    provisioned = properties(live.alias)["ProvisionedConcurrencyConfig"]
    assert provisioned == {"ProvisionedConcurrentExecutions": known_later}
    alias = properties(shifted.alias)
    assert alias["FunctionVersion"] == {"Ref": "Stable"}
    (weight,) = alias["RoutingConfig"]["AdditionalVersionWeights"]
    assert weight["FunctionWeight"] == known_later
    assert properties(shifted.latency_alarm)["Threshold"] == known_later


def test_a_latency_in_seconds_that_is_a_token_is_refused(stack: Stack) -> None:
    later = Duration.seconds(Token.as_number({"Ref": "Number"}))
    with pytest.raises(InvalidPropsError, match=r"must be Duration\.millis"):
        LiveAlias(stack, "Live", function=function(stack), latency_threshold=later)
    assert stack.node.try_find_child("Live") is None
