"""An alias that callers keep while the code behind it changes: released with care, warm, and watched."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, Duration, RemovalPolicy, Stack
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, location, schedule_expression, stack_order
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.invoked import (
    Invoked,
    check_event_source,
    check_place,
    check_provisioned,
    note_alias,
)
from constructs_lib.foundation.resource import resource_of
from constructs_lib.practice.plugin import check_app_of

_ALIAS_NAME = re.compile(r"(?!\d+$)[A-Za-z0-9_-]+")

_provisioned: WeakKeyDictionary[lambda_.Function, int] = WeakKeyDictionary()
"""Most provisioned concurrency over the aliases of each function: its reserved concurrency has to hold all."""
_names: WeakKeyDictionary[lambda_.Function, set[str]] = WeakKeyDictionary()
"""The names of the aliases that each function has."""


class LiveAlias(Construct):
    """A version of your function and the alias that callers use, with a release that rolls itself back.

    What is deployed: a version of the function, published whenever its code or configuration changes, and kept;
    the alias; a CodeDeploy application and deployment group that move the alias to the new version, with a role
    that may do that and nothing else; alarms on the alias (errors, throttles, latency; with provisioned
    concurrency its spillover and utilization) and on the new version alone, called through the alias (errors,
    latency), which roll a release back; the topic that all alarms go to. Give `alias` to whatever takes a
    function.

    **Releases.** CodeDeploy moves the traffic: a canary by default, 10 % for five minutes. A failing deployment,
    one that is stopped, and an alarm of the new version put the alias back, and the stack with it. All at once
    is over before an alarm can see anything: there the function given as `before_traffic` decides.

    By hand instead, with `stable_version="7"`: the alias stays at version 7, and `new_version_weight` of the
    calls go to the version just published. Raise the weight step by step. To end it, deploy once with the new
    version's number as `stable_version` and no weight; after that `stable_version` can go, and CodeDeploy takes
    over. Without this step it would find two versions and fail. Versions of one alias need the same role.
    The first deployment of a function publishes version 1: it cannot be by hand.

    **Provisioned concurrency.** Costs by the hour, used or not, and is always released by CodeDeploy. A plain
    update by CloudFormation lets Lambda put weights on the alias until the new version is warm; should its
    initialization fail, the weights stay, and every later deployment fails with "Alias with weights can not be
    used with Provisioned Concurrency". If you meet that all the same: `aws lambda update-alias --function-name
    NAME --name live --routing-config AdditionalVersionWeights={}`, then deploy again. Change the number and the
    code in two deployments: one deployment of both has been seen to leave the number as it was. While a release
    shifts traffic, Lambda refuses another number, so scaling and schedules wait until it is over.
    Sources: https://github.com/aws/serverless-application-model/issues/1296 and /1425,
    https://github.com/hashicorp/terraform-provider-aws/pull/48116

    Args:
        scope: The construct to put it in.
        construct_id: Its name there.
        function: A function of this app: an imported one cannot be published from here. One with SnapStart
            takes no provisioned concurrency.
        alias_name: What callers know; default `live`.
        provisioned_concurrency: Environments that are always initialized: at least 1, and not above the
            function's reserved concurrency, where other aliases of the function count too. The minimum where
            it scales, and the value until the first schedule. Default: no environment.
        maximum_provisioned_concurrency: Scale up to this, by utilization.
        target_utilization: The share in use that scaling keeps, 0.1 to 0.9; default 0.7.
        provisioned_concurrency_schedule: By name, from when on which `min_capacity` holds. Without a
            `max_capacity` it is exactly that many, or up to the maximum where it scales. Say the time zone.
            At least 1: with 0 later deployments fail.
        deployment_config: How CodeDeploy shifts traffic, such as `LambdaDeploymentConfig.ALL_AT_ONCE`; default
            `CANARY_10_PERCENT_5_MINUTES`: 10 %, and all of it five minutes later.
        before_traffic: A function in the stack of this construct that CodeDeploy calls before it shifts: it checks
            the new version and reports with `codedeploy:PutLifecycleEventHookExecutionStatus`, which it is granted.
            Pass it the new version by `version.function_arn`, not by the alias, which waits for it.
        after_traffic: The same, when all traffic is shifted.
        rollback_alarms: Your own alarms that roll a release back too; at most ten with the new version's. One that
            is in alarm already stops each release, also the one that fixes it; the new version's own are new with
            each version. Alarms of an API that calls this alias are made later: see `add_rollback_alarm`.
        stable_version: Release by hand: the number of the version that the alias stays at.
        new_version_weight: By hand: the share of calls to the new version, 0 to 1; 0 publishes it only.
        version_removal_policy: What happens to a version when the next one is published. Default
            RETAIN_ON_UPDATE_OR_DELETE: it stays, so that there is a way back. Only that of a release that was rolled
            back is deleted, or the same code could not be released again. Under SnapStart DESTROY, since each
            version's snapshot costs. Not SNAPSHOT.
        latency_threshold: Alarm when the slowest of a hundred calls takes longer, above 0 and below the function's
            timeout; default 80 % of it. Without it, and with a timeout that is a token: no latency alarms.
        alarm_topic: Where the alarms go. None: a topic is made, for you to subscribe to.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        alias: The alias: pass it to whatever takes a function.
        version: The version of the current code: the new one, also in a release by hand.
        scaling: The scaling of provisioned concurrency. None if it neither scales nor has a schedule.
        application: The CodeDeploy application. None in a release by hand.
        deployment_group: The deployment group, which moves the alias. None in a release by hand.
        deployment_role: The role of CodeDeploy. It must be allowed to call each hook that you add to the group
            yourself. None in a release by hand.
        alarm_topic: Notified by the alarms: the `alarm_topic` that you passed, or the one that was made.
        errors_alarm: On the share of calls of the alias that fail.
        throttles_alarm: On throttled calls of the alias.
        latency_alarm: On slow calls of the alias. None if no threshold is known.
        new_version_errors_alarm: On errors of the new version, called through the alias; rolls a release back.
        new_version_latency_alarm: On slow calls of the new version; rolls a release back. None if no threshold is
            known.
        spillover_alarm: On calls beyond the provisioned concurrency. None without provisioned concurrency.
        utilization_alarm: On provisioned concurrency that is nearly used up. None without provisioned concurrency.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
    """

    alias: Final[lambda_.Alias]
    version: Final[lambda_.Version]
    scaling: Final[lambda_.IScalableFunctionAttribute | None]
    application: Final[codedeploy.LambdaApplication | None]
    deployment_group: Final[codedeploy.LambdaDeploymentGroup | None]
    deployment_role: Final[iam.Role | None]
    alarm_topic: Final[sns.ITopic]
    errors_alarm: Final[cloudwatch.Alarm]
    throttles_alarm: Final[cloudwatch.Alarm]
    latency_alarm: Final[cloudwatch.Alarm | None]
    new_version_errors_alarm: Final[cloudwatch.Alarm]
    new_version_latency_alarm: Final[cloudwatch.Alarm | None]
    spillover_alarm: Final[cloudwatch.Alarm | None]
    utilization_alarm: Final[cloudwatch.Alarm | None]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: lambda_.Function,
        alias_name: str = "live",
        provisioned_concurrency: float | None = None,
        maximum_provisioned_concurrency: float | None = None,
        target_utilization: float | None = None,
        provisioned_concurrency_schedule: Mapping[str, appscaling.ScalingSchedule] | None = None,
        deployment_config: codedeploy.ILambdaDeploymentConfig | None = None,
        before_traffic: FunctionLike | None = None,
        after_traffic: FunctionLike | None = None,
        rollback_alarms: Sequence[cloudwatch.IAlarm | cloudwatch.AlarmBase] = (),
        stable_version: str | None = None,
        new_version_weight: float = 0,
        version_removal_policy: RemovalPolicy | None = None,
        latency_threshold: Duration | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
    ) -> None:
        """Create the alias; the arguments are described at the class."""
        _check_function(function)
        alias_stack = location.stack_of(scope)
        invoked = Invoked.of(function)
        check_place(scope, invoked)
        if provisioned_concurrency is not None:
            check_provisioned(invoked)
        _check_alias_name(alias_name, function)
        Alarms.check_topic(scope, alarm_topic)
        _validation.check_part(
            "deployment_config",
            deployment_config,
            "deployment_config_name",
            "a codedeploy.LambdaDeploymentConfig, such as LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES",
        )
        _validation.check_member(
            "version_removal_policy", version_removal_policy, RemovalPolicy, without="SNAPSHOT"
        )
        schedule = _schedule(provisioned_concurrency_schedule)
        most_provisioned = _check_provisioned(
            provisioned_concurrency, maximum_provisioned_concurrency, target_utilization, schedule
        )
        _check_room(function, invoked.reserved_concurrency, most_provisioned)
        snap_start = _has_snap_start(invoked)
        if snap_start and provisioned_concurrency is not None:
            raise InvalidPropsError(
                "provisioned_concurrency cannot be given for a function with SnapStart: Lambda takes one of the "
                f"two. Leave it out, or turn SnapStart off. See {_defaults.SNAP_START}"
            )
        rollback_alarms = _alarms(rollback_alarms)
        _check_weights(
            stable_version,
            new_version_weight,
            provisioned_concurrency=provisioned_concurrency,
            deployment_config=deployment_config,
            before_traffic=before_traffic,
            after_traffic=after_traffic,
            rollback_alarms=rollback_alarms or None,
        )
        _check_hooks(scope, function, before_traffic=before_traffic, after_traffic=after_traffic)
        timeout = invoked.invocation_seconds
        latency = _latency_milliseconds(timeout, latency_threshold)
        of_new_version = 1 if latency is None else 2
        _check_rollback_alarms(len(rollback_alarms), ours=of_new_version)
        others = [stack for alarm in rollback_alarms for stack in _stack_to_wait_for(alarm, alias_stack)]

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        self._rollback_alarms = len(rollback_alarms)
        stack_order.note(alias_stack, others)
        _names.setdefault(function, set()).add(alias_name)
        if most_provisioned is not None:
            _provisioned[function] = _provisioned.get(function, 0) + most_provisioned

        self.version = function.current_version
        self.version.apply_removal_policy(
            version_removal_policy
            or (RemovalPolicy.DESTROY if snap_start else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        )
        if snap_start:
            Annotations.of(function).acknowledge_warning(
                "@aws-cdk/aws-lambda:snapStartRequirePublish", "The version behind the alias is published."
            )
        self.alias = lambda_.Alias(
            self,
            "Alias",
            alias_name=alias_name,
            version=self.version
            if stable_version is None
            else lambda_.Version.from_version_attributes(
                self, "StableVersion", lambda_=function, version=stable_version
            ),
            provisioned_concurrent_executions=provisioned_concurrency,
        )
        note_alias(self.alias, function, alias_name)
        if new_version_weight:
            resource_of(self.alias, lambda_.CfnAlias).routing_config = _routing(
                self.version, new_version_weight
            )
        self.scaling = self._scale(
            provisioned_concurrency, maximum_provisioned_concurrency, target_utilization, schedule
        )

        alarms.watched_aliases.add(self.alias)
        alarms_here = Alarms(self, alarm_topic)
        self.alarm_topic = alarms_here.topic
        self.errors_alarm = alarms_here.add(
            "ErrorsAlarm", alarms.function_errors(self.alias, timeout=timeout)
        )
        self.throttles_alarm = alarms_here.add("ThrottlesAlarm", alarms.function_throttles(self.alias))
        self.latency_alarm = alarms_here.add(
            "LatencyAlarm",
            None
            if latency is None
            else alarms.function_latency(self.alias, timeout=timeout, milliseconds=latency),
        )
        of_version = alarms.dimensions_of_version(function, alias_name, self.version)
        self.new_version_errors_alarm = alarms_here.add(
            "NewVersionErrorsAlarm",
            alarms.function_errors(self.alias, timeout=timeout, of_version=of_version),
        )
        self.new_version_latency_alarm = alarms_here.add(
            "NewVersionLatencyAlarm",
            None
            if latency is None
            else alarms.function_latency(
                self.alias, timeout=timeout, milliseconds=latency, of_version=of_version
            ),
        )
        _renew_with(
            self.version, alias_stack, (self.new_version_errors_alarm, self.new_version_latency_alarm)
        )
        is_provisioned = provisioned_concurrency is not None
        self.spillover_alarm = alarms_here.add(
            "SpilloverAlarm", alarms.provisioned_spillover(self.alias) if is_provisioned else None
        )
        self.utilization_alarm = alarms_here.add(
            "UtilizationAlarm",
            _utilization(self.alias, above=_utilization_alarm(target_utilization))
            if is_provisioned
            else None,
        )

        self.application, self.deployment_role, self.deployment_group = (
            (None, None, None)
            if stable_version is not None
            else self._release(
                alias_stack,
                function,
                alias_name,
                deployment_config,
                before_traffic,
                after_traffic,
                rollback_alarms,
            )
        )

    def add_rollback_alarm(self, alarm: cloudwatch.IAlarm | cloudwatch.AlarmBase) -> None:
        """Let one more alarm roll a release back, such as the `server_errors_alarm` of an API that calls the alias.

        Args:
            alarm: The alarm. One that is in alarm already stops each release, also the one that fixes it.

        Raises:
            InvalidPropsError: It is not an alarm, there are too many, the release is by hand, or its stack is
                deployed after the alias's, as that of an API is: then the two would wait for each other.
        """
        (checked,) = _alarms([alarm])
        group = self.deployment_group
        if group is None:
            raise InvalidPropsError(
                "add_rollback_alarm cannot be combined with stable_version: in a release by hand CodeDeploy does "
                "nothing, and rolls nothing back."
            )
        ours = 1 if self.new_version_latency_alarm is None else 2
        _check_rollback_alarms(self._rollback_alarms + 1, ours=ours)
        alias_stack = Stack.of(self)
        others = _stack_to_wait_for(checked, alias_stack)
        group.add_alarm(checked)
        self._rollback_alarms += 1
        stack_order.note(alias_stack, others)

    def _scale(
        self,
        provisioned: float | None,
        maximum: float | None,
        target_utilization: float | None,
        schedule: Mapping[str, appscaling.ScalingSchedule],
    ) -> lambda_.IScalableFunctionAttribute | None:
        if provisioned is None or (maximum is None and not schedule):
            return None
        scaling = self.alias.add_auto_scaling(
            min_capacity=provisioned, max_capacity=provisioned if maximum is None else maximum
        )
        if maximum is not None:
            scaling.scale_on_utilization(
                utilization_target=_defaults.TARGET_UTILIZATION
                if target_utilization is None
                else target_utilization
            )
        for name, entry in schedule.items():
            # Both numbers each time: what an earlier action has set would hold otherwise.
            scaling.scale_on_schedule(
                name,
                schedule=entry.schedule,
                min_capacity=entry.min_capacity,
                max_capacity=_most_of(entry, maximum),
                time_zone=entry.time_zone,
                start_time=entry.start_time,
                end_time=entry.end_time,
            )
        return scaling

    def _release(
        self,
        alias_stack: Stack,
        function: lambda_.Function,
        alias_name: str,
        deployment_config: codedeploy.ILambdaDeploymentConfig | None,
        before_traffic: FunctionLike | None,
        after_traffic: FunctionLike | None,
        rollback_alarms: Sequence[cloudwatch.IAlarm],
    ) -> tuple[codedeploy.LambdaApplication, iam.Role, codedeploy.LambdaDeploymentGroup]:
        of_new_version = [
            alarm for alarm in (self.new_version_errors_alarm, self.new_version_latency_alarm) if alarm
        ]
        application = codedeploy.LambdaApplication(self, "Application")
        role = iam.Role(
            self,
            "DeploymentRole",
            # Source: https://docs.aws.amazon.com/codedeploy/latest/userguide/security_confused_deputy.html
            assumed_by=iam.ServicePrincipal(
                "codedeploy.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": alias_stack.account}},
            ),
        )
        arn = function.function_arn
        # What the managed policy AWSCodeDeployRoleForLambdaLimited allows, for this alias alone. The ARN is put
        # together by hand: the alias waits for this role, so the role cannot refer to the alias.
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
                resources=[arn, f"{arn}:{alias_name}"],
            )
        )
        role.add_to_policy(iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"]))
        hooks = [hook.function_arn for hook in (before_traffic, after_traffic) if hook is not None]
        if hooks:
            role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=hooks))
        acknowledge(
            role,
            {
                "AwsSolutions-IAM5[Resource::*]": "cloudwatch:DescribeAlarms reads composite alarms under * alone, and "
                "your own alarms may be such. It only reads."
            },
        )
        group = codedeploy.LambdaDeploymentGroup(
            self,
            "DeploymentGroup",
            application=application,
            # Or CDK adds the managed policy to it, and every version of the hooks.
            role=role.without_policy_updates(),
            alias=self.alias,
            deployment_config=deployment_config
            or codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
            pre_hook=before_traffic,
            post_hook=after_traffic,
            alarms=[*of_new_version, *rollback_alarms],
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
        )
        # Traffic shifts once the alarms look at the new version and the role may call the hooks.
        resource_of(self.alias, lambda_.CfnAlias).node.add_dependency(role, *of_new_version)
        return application, role, group


def _routing(version: lambda_.Version, weight: float) -> lambda_.CfnAlias.AliasRoutingConfigurationProperty:
    """Weights as the resource takes them: the check of CDK's Alias takes a token for a negative number."""
    return lambda_.CfnAlias.AliasRoutingConfigurationProperty(
        additional_version_weights=[
            lambda_.CfnAlias.VersionWeightProperty(function_version=version.version, function_weight=weight)
        ]
    )


def _renew_with(
    version: lambda_.Version, alias_stack: Stack, alarms: Sequence[cloudwatch.Alarm | None]
) -> None:
    """Make each version alarms of its own, by the version's logical id in the alarm's.

    An alarm that changes keeps its state until it is evaluated again. In alarm because of the version before,
    it would stop the very release that fixes it.
    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    of_version = resource_of(version, lambda_.CfnVersion).logical_id
    for alarm in alarms:
        if alarm is not None:
            resource = resource_of(alarm, cloudwatch.CfnAlarm)
            resource.override_logical_id(f"{alias_stack.get_logical_id(resource)}{of_version}")


# --- the function --------------------------------------------------------------------------------------


def _check_function(function: object) -> None:
    """Refuse whatever is not a function of this app."""
    if not isinstance(function, lambda_.Function):
        class_name = type(function).__name__
        raise InvalidPropsError(
            f"function must be a Function of this app, got {class_name}: of an imported function, a version or an "
            "alias no new version can be published. Make the LiveAlias where the function is made."
        )


def _has_snap_start(invoked: Invoked) -> bool:
    setting = invoked.properties.get("snapStart")
    return isinstance(setting, Mapping) and setting.get("applyOn") != "None"


def _latency_milliseconds(timeout: float | None, latency_threshold: Duration | None) -> float | None:
    """The threshold of the latency alarms; None where nothing is known."""
    if latency_threshold is None:
        return None if timeout is None else 1000 * _defaults.LATENCY_ALARM_SHARE_OF_TIMEOUT * timeout
    threshold = _validation.read_seconds("latency_threshold", latency_threshold)
    if threshold is None:
        if latency_threshold.unit_label() != "millis":
            raise InvalidPropsError(
                "latency_threshold that is known only at deployment must be Duration.millis(...), got "
                f"{latency_threshold.unit_label()}: the alarm counts in milliseconds, and a token cannot be converted."
            )
        return latency_threshold.to_milliseconds()
    if threshold <= 0 or (timeout is not None and threshold >= timeout):
        below = "" if timeout is None else f" and below the function's timeout of {timeout:g} seconds"
        raise InvalidPropsError(
            f"latency_threshold must be above 0{below}, got {threshold:g}: no call takes longer than the timeout."
        )
    return 1000 * threshold


# --- arguments -----------------------------------------------------------------------------------------


def _check_alias_name(name: str, function: lambda_.Function) -> None:
    _validation.check_text("alias_name", name)
    if _validation.is_unresolved(name):
        return
    if not _ALIAS_NAME.fullmatch(name) or len(name) > _defaults.ALIAS_NAME_CHARACTERS_MAX:
        raise InvalidPropsError(
            f"alias_name must be 1 to {_defaults.ALIAS_NAME_CHARACTERS_MAX} letters, digits, - and _, and not a "
            f"number alone, got {name!r}. See {_defaults.LAMBDA_ALIASES}"
        )
    if name in _names.get(function, ()):
        raise InvalidPropsError(
            f"alias_name must be another one for a second LiveAlias of {function.node.path}, got {name!r}, which it "
            f"has already. See {_defaults.LAMBDA_ALIASES}"
        )


def _schedule(
    schedule: Mapping[str, appscaling.ScalingSchedule] | None,
) -> dict[str, appscaling.ScalingSchedule]:
    if schedule is None:
        return {}
    if not isinstance(schedule, Mapping) or not all(isinstance(name, str) and name for name in schedule):
        raise InvalidPropsError(
            f"provisioned_concurrency_schedule must be a dict of names and ScalingSchedules, got "
            f"{_validation.shown(schedule)}."
        )
    return dict(schedule)


def _alarms(rollback_alarms: Sequence[cloudwatch.IAlarm]) -> Sequence[cloudwatch.IAlarm]:
    if isinstance(rollback_alarms, str) or not isinstance(rollback_alarms, Sequence):
        raise InvalidPropsError(
            f"rollback_alarms must be a list of alarms, got {_validation.shown(rollback_alarms)}."
        )
    for alarm in rollback_alarms:
        _validation.check_part("rollback_alarms", alarm, "alarm_arn", "alarms", required=True)
    return rollback_alarms


def _stack_to_wait_for(alarm: cloudwatch.IAlarm, alias_stack: Stack) -> list[Stack]:
    """The stack of an alarm where that is another one, and the release can wait for it."""
    location.check(
        alias_stack,
        "rollback_alarms",
        alarm,
        way_out="CodeDeploy looks at alarms of its own Region and account: pass one from there.",
        source=_defaults.CODE_DEPLOY_ALARMS,
    )
    theirs = Stack.of(alarm)
    if theirs is alias_stack or alarm.node.default_child is None:
        return []  # an imported alarm is a text
    stack_order.check(
        alias_stack,
        [theirs],
        f"rollback_alarms cannot have {alarm.node.path} for a release in another stack. Put the API into the stack of "
        f"the alias, or make the alarm in {alias_stack.node.path}, on a metric that is named by text.",
    )
    return [theirs]


def _check_provisioned(
    provisioned: float | None,
    maximum: float | None,
    target_utilization: float | None,
    schedule: Mapping[str, appscaling.ScalingSchedule],
) -> int | None:
    """Check the numbers, and return the most that is ever provisioned, where it is known."""
    for name, is_set in (
        ("maximum_provisioned_concurrency", maximum is not None),
        ("provisioned_concurrency_schedule", bool(schedule)),
    ):
        if is_set and provisioned is None:
            raise InvalidPropsError(
                f"{name} requires provisioned_concurrency: the minimum, and the value until the first change."
            )
    if target_utilization is not None and maximum is None:
        raise InvalidPropsError(
            "target_utilization requires maximum_provisioned_concurrency: without it nothing scales."
        )
    _validation.check_range(
        "target_utilization",
        target_utilization,
        _defaults.TARGET_UTILIZATION_MIN,
        _defaults.TARGET_UTILIZATION_MAX,
        source=_defaults.PROVISIONED_CONCURRENCY,
    )
    _check_count("provisioned_concurrency", provisioned)
    _check_count("maximum_provisioned_concurrency", maximum)
    _check_order("maximum_provisioned_concurrency", maximum, "provisioned_concurrency", provisioned)
    for name, entry in schedule.items():
        _check_schedule(f"provisioned_concurrency_schedule[{name!r}]", entry, maximum)
    counts = [provisioned, maximum, *(_most_of(entry, maximum) for entry in schedule.values())]
    return max(
        (int(count) for count in counts if count is not None and not _validation.is_unresolved(count)),
        default=None,
    )


def _check_schedule(name: str, entry: object, maximum: float | None) -> None:
    if not isinstance(entry, appscaling.ScalingSchedule):
        raise InvalidPropsError(
            f"{name} must be an aws_applicationautoscaling.ScalingSchedule, got {type(entry).__name__}."
        )
    schedule_expression.check(
        f"the schedule of {name}",
        entry.schedule.expression_string,
        source=_defaults.PROVISIONED_CONCURRENCY,
    )
    if entry.min_capacity is None:
        raise InvalidPropsError(f"{name} must have min_capacity: the number that holds from then on.")
    _check_count(f"min_capacity of {name}", entry.min_capacity)
    _check_count(f"max_capacity of {name}", entry.max_capacity)
    _check_order(f"max_capacity of {name}", _most_of(entry, maximum), "its min_capacity", entry.min_capacity)


def _most_of(entry: appscaling.ScalingSchedule, maximum: float | None) -> float | None:
    """The most that a scheduled change leaves: what it says, or what scaling goes up to, or its minimum."""
    if entry.max_capacity is not None:
        return entry.max_capacity
    return entry.min_capacity if maximum is None else maximum


def _check_count(name: str, count: float | None) -> None:
    _validation.check_range(
        name,
        count,
        _defaults.PROVISIONED_CONCURRENCY_MIN,
        float("inf"),
        whole=True,
        source=_defaults.PROVISIONED_CONCURRENCY,
    )


def _check_order(name: str, upper: float | None, lower_name: str, lower: float | None) -> None:
    if upper is None or lower is None or _validation.is_unresolved(upper) or _validation.is_unresolved(lower):
        return
    if upper < lower:
        raise InvalidPropsError(f"{name} must not be below {lower_name}, got {upper:g} < {lower:g}.")


def _check_room(function: lambda_.Function, reserved: float | None, provisioned: int | None) -> None:
    if provisioned is None or reserved is None:
        return
    others = _provisioned.get(function, 0)
    if others + provisioned > reserved:
        also = f" with {others} of other aliases of this function" if others else ""
        raise InvalidPropsError(
            f"provisioned concurrency must fit into the function's reserved concurrency of {reserved:g}, got "
            f"{provisioned}{also}. Raise reserved_concurrent_executions. See {_defaults.PROVISIONED_CONCURRENCY}"
        )


def _check_weights(stable_version: str | None, weight: float, **of_code_deploy: object) -> None:
    _validation.check_range("new_version_weight", weight, 0, 1, source=_defaults.LAMBDA_WEIGHTS)
    if stable_version is None:
        if weight:
            raise InvalidPropsError(
                "new_version_weight requires stable_version: the number of the version that takes the other calls. "
                f"CDK's current_version is always the new one. See {_defaults.LAMBDA_WEIGHTS}"
            )
        return
    unresolved = _validation.is_unresolved(stable_version)
    if not unresolved and not (isinstance(stable_version, str) and re.fullmatch(r"[1-9]\d*", stable_version)):
        raise InvalidPropsError(
            f"stable_version must be the number of a published version, such as '7', got {stable_version!r}: an "
            f"alias cannot point at $LATEST or at another alias. See {_defaults.LAMBDA_WEIGHTS}"
        )
    for name, value in of_code_deploy.items():
        reason = (
            "Lambda puts weights of its own on an alias with provisioned concurrency, and the two have left "
            "aliases that no deployment could change any more. Release by CodeDeploy. "
            "See https://github.com/aws/serverless-application-model/issues/1296"
            if name == "provisioned_concurrency"
            else "in a release by hand CodeDeploy does nothing, and rolls nothing back."
        )
        _validation.check_at_most_one(reason, stable_version=stable_version, **{name: value})


def _check_hooks(scope: Construct, function: lambda_.Function, **hooks: FunctionLike | None) -> None:
    for name, hook in hooks.items():
        if hook is None:
            continue
        invoked = Invoked.of(hook, name)
        check_place(scope, invoked, name)
        check_event_source(invoked, name)
        if invoked.function is function:
            raise InvalidPropsError(
                f"{name} must be another function than the one that is released: it has to exist, and to work, before "
                "the new version does."
            )
        alias_stack = Stack.of(scope)
        if hook.role is not None and Stack.of(hook) is not alias_stack:
            raise InvalidPropsError(
                f"{name} must be in the stack {alias_stack.node.path}, got {hook.node.path}: its role may report to a "
                "deployment group there, so that each stack would wait for the other. Make the function here."
            )


def _check_rollback_alarms(yours: int, *, ours: int) -> None:
    if yours + ours > _defaults.ROLLBACK_ALARMS_MAX:
        raise InvalidPropsError(
            f"rollback_alarms must be at most {_defaults.ROLLBACK_ALARMS_MAX - ours} beside the {ours} of the new "
            f"version, got {yours}. Put some into a composite alarm. See {_defaults.CODE_DEPLOY_ALARMS}"
        )


def _utilization_alarm(target: float | None) -> float:
    """Above what scaling keeps up, or the alarm would ring all the time."""
    if target is None or _validation.is_unresolved(target):
        return _defaults.UTILIZATION_ALARM
    return max(_defaults.UTILIZATION_ALARM, (1 + target) / 2)


def _utilization(alias: lambda_.Alias, *, above: float) -> Watch:
    """Provisioned concurrency that is nearly used up, where that is more than ordinary use.

    One environment of one is full with each call: below ten in use the alarm is silent, and the one on spillover
    tells what is missing.

    Args:
        alias: The alias with the provisioned concurrency.
        above: The highest acceptable share in use, 0 to 1.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html
    """
    used, share = (
        alias.metric(metric, period=alarms.PERIOD, statistic="Maximum")
        for metric in ("ProvisionedConcurrentExecutions", "ProvisionedConcurrencyUtilization")
    )
    return Watch(
        metric=cloudwatch.MathExpression(
            expression=f"IF(used >= {_defaults.UTILIZATION_ALARM_LEAST_IN_USE}, share, 0)",
            label="Share of the provisioned concurrency in use",
            using_metrics={"used": used, "share": share},
            period=alarms.PERIOD,
        ),
        threshold=above,
        description="Nearly all provisioned concurrency is in use. Provision more, or raise the maximum that it scales "
        "to.",
    )
