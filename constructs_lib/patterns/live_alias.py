"""An alias that callers invoke while the code behind it changes: deployed gradually, initialized and watched."""

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
    check_version_removal,
    note_alias,
)
from constructs_lib.foundation.resource import path_of, resource_of
from constructs_lib.practice.plugin import check_app_of

_ALIAS_NAME = re.compile(r"(?!\d+$)[A-Za-z0-9_-]+")

_provisioned: WeakKeyDictionary[lambda_.Function, int] = WeakKeyDictionary()
"""The sum of the maximum provisioned concurrency over the aliases of each function: its reserved concurrency has to
hold all."""
_names: WeakKeyDictionary[lambda_.Function, set[str]] = WeakKeyDictionary()
"""The names of the aliases that each function has."""


class LiveAlias(Construct):
    """A version of your function and the alias that callers invoke, deployed gradually and rolled back on alarms.

    What is deployed: a version of the function, published whenever its code or configuration changes, and retained;
    the alias; a CodeDeploy application and deployment group that shift traffic to the new version, with a role that may
    do that and nothing else; alarms on the alias (errors, throttles, latency; with provisioned concurrency its
    spillover and utilization) and on the new version alone, invoked through the alias (errors, latency), which roll a
    deployment back; the topic that all alarms notify. Pass `alias` to whatever takes a function.

    **Deployments.** CodeDeploy shifts the traffic: by default a canary, 10 % for five minutes. If the deployment fails
    or is stopped, or an alarm of the new version goes off, CodeDeploy shifts the traffic back, and CloudFormation rolls
    the stack back. With `LambdaDeploymentConfig.ALL_AT_ONCE` the deployment ends before an alarm can go off: use
    `before_traffic` to check the new version.

    To shift traffic manually instead, pass `stable_version="7"`: the alias stays at version 7, and
    `new_version_weight` of the invocations go to the version just published. Raise the weight step by step. To end it,
    deploy once with the new version's number as `stable_version` and no weight. After that you can leave
    `stable_version` out, and CodeDeploy takes over. Without this step CodeDeploy would find an alias with two versions,
    and fail. All versions of an alias must have the same role. The first deployment of a function publishes version 1:
    it cannot be shifted manually.

    **Provisioned concurrency.** It costs by the hour, used or not, and an alias that has it is always deployed by
    CodeDeploy. Without CodeDeploy, CloudFormation updates the alias, and Lambda puts weights on it until the new
    version is initialized; if that fails, the weights stay, and every later deployment fails with "Alias with weights
    can not be used with Provisioned Concurrency". To recover from that error: `aws lambda update-alias --function-name
    NAME --name live --routing-config AdditionalVersionWeights={}`, then deploy again. Change the number and the
    code in two deployments: one deployment of both has been seen to leave the number as it was. While traffic is
    shifted, Lambda refuses another number, so that scaling and scheduled actions have no effect until the end.
    Sources: https://github.com/aws/serverless-application-model/issues/1296 and /1425,
    https://github.com/hashicorp/terraform-provider-aws/pull/48116

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: A function that this app defines: a version of an imported one cannot be published here. With
            SnapStart it cannot have provisioned concurrency.
        alias_name: The name of the alias; default `live`.
        provisioned_concurrency: Number of execution environments that are always initialized: at least 1, and at most
            the function's reserved concurrency, together with that of its other aliases. With scaling or a schedule,
            it is the minimum and the initial value. By default, none are initialized.
        maximum_provisioned_concurrency: Maximum number of these environments; between the two it scales by
            utilization. By default, the number does not change.
        target_utilization: Share of the provisioned concurrency that scaling keeps in use, 0.1 to 0.9; default 0.7.
        provisioned_concurrency_schedule: Scheduled scaling actions, by name. Each sets `min_capacity`, at least 1, and
            `max_capacity`; the default of `max_capacity` is `maximum_provisioned_concurrency`, or `min_capacity` if
            nothing scales. Set `time_zone`; the default is UTC.
        deployment_config: How CodeDeploy shifts traffic, such as `LambdaDeploymentConfig.ALL_AT_ONCE`; default
            `CANARY_10_PERCENT_5_MINUTES`: 10 %, and all of it five minutes later.
        before_traffic: Lambda function that CodeDeploy invokes before shifting traffic, defined in the stack of this
            construct. It checks the new version, and reports with `codedeploy:PutLifecycleEventHookExecutionStatus`,
            which it is granted. Pass it the new version by `version.function_arn`, and not by the alias, which depends
            on it.
        after_traffic: Lambda function that CodeDeploy invokes after all traffic is shifted, in the same way.
        rollback_alarms: Your own alarms that also roll a deployment back, at most ten together with those of the new
            version. An alarm that is already in ALARM stops every deployment, also the one that fixes it; those of the
            new version are created anew for each version. Alarms of an API that invokes this alias are created later:
            add them with `add_rollback_alarm`.
        stable_version: Shift traffic manually: the number of the version that the alias stays at.
        new_version_weight: With `stable_version`: share of the invocations for the new version, 0 to 1; default 0,
            which only publishes it.
        version_removal_policy: What happens to a version when the next one replaces it. Default
            RETAIN_ON_UPDATE_OR_DELETE: all versions are retained, to go back to, except those of a deployment that was
            rolled back: otherwise the same code could not be deployed again. With SnapStart and on managed instances
            the default is DESTROY, since the snapshot and the environments of each version cost. Not SNAPSHOT. DESTROY
            is refused for a durable function, whose executions continue in the version that started them.
        latency_threshold: Alarm when the 99th percentile (p99) of the duration is higher, above 0 and below the
            function's timeout; default 80 % of the timeout. Without it, and with a timeout that is a token, there are
            no latency alarms.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        alias: The alias: pass it to whatever takes a function.
        version: The version of the current code; with `stable_version`, the new version.
        scaling: The scaling of provisioned concurrency. None without scaling and schedule.
        application: The CodeDeploy application. None with `stable_version`.
        deployment_group: The deployment group, which shifts the traffic of the alias. None with `stable_version`.
        deployment_role: The role of CodeDeploy. It must be allowed to invoke each hook that you add to the group
            yourself. None with `stable_version`.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        errors_alarm: On the share of invocations of the alias that fail.
        throttles_alarm: On throttled invocations of the alias.
        latency_alarm: On slow invocations of the alias. None if no threshold is known.
        new_version_errors_alarm: On errors of the new version, invoked through the alias; rolls a deployment back.
        new_version_latency_alarm: On slow invocations of the new version; rolls a deployment back. None if no threshold
            is known.
        spillover_alarm: On invocations beyond the provisioned concurrency. None without provisioned concurrency.
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
        check_version_removal(invoked, version_removal_policy)
        schedule = _read_schedule(provisioned_concurrency_schedule)
        most_provisioned = _read_maximum(
            provisioned_concurrency, maximum_provisioned_concurrency, target_utilization, schedule
        )
        _check_room(function, invoked.reserved_concurrency, most_provisioned)
        snap_start = _has_snap_start(invoked)
        if snap_start and provisioned_concurrency is not None:
            raise InvalidPropsError(
                "provisioned_concurrency cannot be combined with SnapStart, which the function has. Leave one out. "
                f"See {_defaults.SNAP_START}"
            )
        _check_alarms(rollback_alarms)
        _check_weights(
            stable_version,
            new_version_weight,
            provisioned_concurrency,
            deployment_config=deployment_config,
            before_traffic=before_traffic,
            after_traffic=after_traffic,
            rollback_alarms=rollback_alarms or None,
        )
        _check_hooks(scope, function, before_traffic=before_traffic, after_traffic=after_traffic)
        timeout = invoked.invocation_seconds
        latency = _latency_milliseconds(timeout, latency_threshold)
        _check_rollback_alarms(len(rollback_alarms), of_new_version=1 if latency is None else 2)
        others = [stack for alarm in rollback_alarms for stack in _stacks_of(alarm, alias_stack)]

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
            or (
                RemovalPolicy.DESTROY
                if (snap_start or invoked.kind.is_managed) and not invoked.kind.is_durable
                else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
            )
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
            needed=True,
        )
        self.new_version_latency_alarm = alarms_here.add(
            "NewVersionLatencyAlarm",
            None
            if latency is None
            else alarms.function_latency(
                self.alias, timeout=timeout, milliseconds=latency, of_version=of_version
            ),
            needed=True,
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
            _utilization(self.alias, above=_utilization_threshold(target_utilization))
            if is_provisioned
            else None,
        )

        self.application, self.deployment_role, self.deployment_group = (
            (None, None, None)
            if stable_version is not None
            else self._make_deployment_group(
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
        """Let another alarm roll a deployment back, such as the `server_errors_alarm` of an API that invokes the alias.

        Args:
            alarm: The alarm. An alarm that is already in ALARM stops every deployment, also the one that fixes it.

        Raises:
            InvalidPropsError: It is not an alarm, there are too many, the alias has a `stable_version`, or the alarm or
                its stack depends on the alias, as the stack of an API does: that is a circular dependency.
        """
        _check_alarms([alarm])
        if alarms.is_behind(alarm, self.alias):
            raise InvalidPropsError(
                f"alarm must not depend on the alias, got {alarm.node.path}, whose target group has the alias as its "
                "target: the alias would depend on the alarm, and the alarm on the alias. Roll back on an alarm of the "
                f"load balancer or of the function. See {_defaults.LOAD_BALANCER_LAMBDA}"
            )
        group = self.deployment_group
        if group is None:
            raise InvalidPropsError(
                f"add_rollback_alarm cannot be combined with stable_version: {_SHIFTED_MANUALLY}"
            )
        of_new_version = 1 if self.new_version_latency_alarm is None else 2
        _check_rollback_alarms(self._rollback_alarms + 1, of_new_version=of_new_version)
        alias_stack = Stack.of(self)
        others = _stacks_of(alarm, alias_stack)
        group.add_alarm(alarm)
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
            # Both numbers each time: otherwise what an earlier action has set would stay.
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

    def _make_deployment_group(
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
        # What the managed policy AWSCodeDeployRoleForLambdaLimited allows, for this alias alone. The ARN is built from
        # names: the alias depends on this role, so the role cannot refer to the alias.
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
                "AwsSolutions-IAM5[Resource::*]": "cloudwatch:DescribeAlarms supports composite alarms only with "
                "resource *, and rollback_alarms may be composite alarms. The action only reads."
            },
        )
        group = codedeploy.LambdaDeploymentGroup(
            self,
            "DeploymentGroup",
            application=application,
            # Otherwise CDK adds the managed policy to it, and every version of the hooks.
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
        # Traffic is shifted once the alarms on the new version exist and the role may invoke the hooks.
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
    version: lambda_.Version, alias_stack: Stack, of_new_version: Sequence[cloudwatch.Alarm | None]
) -> None:
    """Create alarms of its own for each version, by the version's logical id in the alarm's.

    An alarm that changes keeps its state until it is evaluated again. In ALARM because of the version before,
    it would stop the very deployment that fixes it.
    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    version_id = resource_of(version, lambda_.CfnVersion).logical_id
    for alarm in of_new_version:
        if alarm is not None:
            resource = resource_of(alarm, cloudwatch.CfnAlarm)
            resource.override_logical_id(f"{alias_stack.get_logical_id(resource)}{version_id}")


# --- the function --------------------------------------------------------------------------------------


def _check_function(function: object) -> None:
    """Refuse anything but a function that this app defines."""
    if not isinstance(function, lambda_.Function):
        class_name = type(function).__name__
        raise InvalidPropsError(
            f"function must be a lambda_.Function defined in this app, got {class_name}: LiveAlias publishes versions, "
            "which it cannot do for an imported function, a version or an alias. Create the LiveAlias where the "
            "function is created."
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
        return _validation.read_token("latency_threshold", latency_threshold, "millis")
    if threshold <= 0 or (timeout is not None and threshold >= timeout):
        below = "" if timeout is None else f" and below the function's timeout of {timeout:g} seconds"
        reason = (
            ""
            if threshold <= 0
            else ": no invocation takes longer than the timeout, so no p99 would be above it"
        )
        raise InvalidPropsError(
            f"latency_threshold must be above 0{below}, got {threshold:g} seconds{reason}."
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
            f"alias_name {name!r} is already used by another LiveAlias of {function.node.path}. Pass another name. "
            f"See {_defaults.LAMBDA_ALIASES}"
        )


def _read_schedule(
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


def _check_alarms(rollback_alarms: Sequence[cloudwatch.IAlarm]) -> None:
    if isinstance(rollback_alarms, str) or not isinstance(rollback_alarms, Sequence):
        raise InvalidPropsError(
            f"rollback_alarms must be a list of alarms, got {_validation.shown(rollback_alarms)}."
        )
    for alarm in rollback_alarms:
        _validation.check_part("rollback_alarms", alarm, "alarm_arn", "alarms", required=True)
        if alarm in alarms.left_out:
            raise InvalidPropsError(
                f"rollback_alarms cannot have {path_of(alarm)}, which AlarmSettings leaves out: CodeDeploy would look "
                "for an alarm that does not exist. Pass it only where alarms are created, or call "
                f"AlarmSettings.of(...).leave_out(left_out=False) for what has it. See {_defaults.CODE_DEPLOY_ALARMS}"
            )


def _stacks_of(alarm: cloudwatch.IAlarm, alias_stack: Stack) -> list[Stack]:
    """Check an alarm, and return its stack if that of the alias is going to depend on it."""
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
        f"rollback_alarms cannot have {alarm.node.path}, which would make a circular dependency. Put the API into the "
        f"stack of the alias, or create an alarm in {alias_stack.node.path} on a cloudwatch.Metric whose dimensions "
        "are fixed names.",
    )
    return [theirs]


def _read_maximum(
    provisioned: float | None,
    maximum: float | None,
    target_utilization: float | None,
    schedule: Mapping[str, appscaling.ScalingSchedule],
) -> int | None:
    """Check the numbers, and return the highest number that is ever provisioned; None if none is known."""
    for name, is_set in (
        ("maximum_provisioned_concurrency", maximum is not None),
        ("provisioned_concurrency_schedule", bool(schedule)),
    ):
        if is_set and provisioned is None:
            raise InvalidPropsError(
                f"{name} requires provisioned_concurrency, which is the minimum and initial value."
            )
    if target_utilization is not None and maximum is None:
        raise InvalidPropsError(
            "target_utilization requires maximum_provisioned_concurrency: without it the concurrency does not scale."
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
        raise InvalidPropsError(f"{name} requires min_capacity, the number that the action sets.")
    _check_count(f"min_capacity of {name}", entry.min_capacity)
    _check_count(f"max_capacity of {name}", entry.max_capacity)
    _check_order(f"max_capacity of {name}", _most_of(entry, maximum), "its min_capacity", entry.min_capacity)


def _most_of(entry: appscaling.ScalingSchedule, maximum: float | None) -> float | None:
    """The maximum that a scheduled action sets: its own, or that of the scaling, or its minimum."""
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
    if reserved == 0:
        raise InvalidPropsError(
            f"provisioned_concurrency requires a function that is on, got {path_of(function)} with a reserved "
            "concurrency of 0, and Lambda allows no provisioned concurrency above it. Remove provisioned_concurrency "
            f"while the function is off. See {_defaults.PROVISIONED_CONCURRENCY}"
        )
    others = _provisioned.get(function, 0)
    if others + provisioned > reserved:
        also = f", together with {others} of other aliases of this function" if others else ""
        raise InvalidPropsError(
            "provisioned concurrency must be at most the function's reserved_concurrent_executions of "
            f"{reserved:g}, got {provisioned}{also}. Lower provisioned_concurrency or its maximum, or raise "
            "reserved_concurrent_executions of the function. "
            f"See {_defaults.PROVISIONED_CONCURRENCY}"
        )


_SHIFTED_MANUALLY: Final = (
    "with stable_version you shift traffic manually, and no CodeDeploy deployment is created that could use it or roll "
    "back. Leave one out."
)


def _check_weights(
    stable_version: str | None, weight: float, provisioned_concurrency: float | None, **of_code_deploy: object
) -> None:
    _validation.check_range("new_version_weight", weight, 0, 1, source=_defaults.LAMBDA_WEIGHTS)
    if stable_version is None:
        if weight:
            raise InvalidPropsError(
                "new_version_weight requires stable_version, the number of the version for the other invocations. "
                f"See {_defaults.LAMBDA_WEIGHTS}"
            )
        return
    unresolved = _validation.is_unresolved(stable_version)
    if not unresolved and not (isinstance(stable_version, str) and re.fullmatch(r"[1-9]\d*", stable_version)):
        raise InvalidPropsError(
            f"stable_version must be the number of a published version, such as '7', got {stable_version!r}: an "
            f"alias cannot point at $LATEST or at another alias. See {_defaults.LAMBDA_WEIGHTS}"
        )
    _validation.check_at_most_one(
        "Lambda refuses weights on an alias with provisioned concurrency, and an alias that has both can no longer be "
        "deployed. Leave stable_version out, and let CodeDeploy shift the traffic. "
        "See https://github.com/aws/serverless-application-model/issues/1296",
        stable_version=stable_version,
        provisioned_concurrency=provisioned_concurrency,
    )
    for name, value in of_code_deploy.items():
        _validation.check_at_most_one(_SHIFTED_MANUALLY, stable_version=stable_version, **{name: value})


def _check_hooks(scope: Construct, function: lambda_.Function, **hooks: FunctionLike | None) -> None:
    for name, hook in hooks.items():
        if hook is None:
            continue
        invoked = Invoked.of(hook, name)
        check_place(scope, invoked, name)
        check_event_source(invoked, name)
        if invoked.function is function:
            raise InvalidPropsError(
                f"{name} must be another function than the one that is deployed: it checks the new version, and must "
                "exist and work before that."
            )
        alias_stack = Stack.of(scope)
        if hook.role is not None and Stack.of(hook) is not alias_stack:
            raise InvalidPropsError(
                f"{name} must be in the stack {alias_stack.node.path}, got {hook.node.path}: its role is allowed to "
                "report to the deployment group there, which invokes it: a circular dependency. Create the function in "
                "that stack."
            )


def _check_rollback_alarms(count: int, *, of_new_version: int) -> None:
    if count + of_new_version > _defaults.ROLLBACK_ALARMS_MAX:
        raise InvalidPropsError(
            f"rollback_alarms must be at most {_defaults.ROLLBACK_ALARMS_MAX - of_new_version} alarms, got {count}: a "
            f"deployment group takes {_defaults.ROLLBACK_ALARMS_MAX}, and the new version has {of_new_version}. "
            f"Combine some in a composite alarm. See {_defaults.CODE_DEPLOY_ALARMS}"
        )


def _utilization_threshold(target: float | None) -> float:
    """The share above which the alarm goes off: more than scaling keeps in use."""
    if target is None or _validation.is_unresolved(target):
        return _defaults.UTILIZATION_ALARM
    return max(_defaults.UTILIZATION_ALARM, (1 + target) / 2)


def _utilization(alias: lambda_.Alias, *, above: float) -> Watch:
    """Provisioned concurrency that is nearly used up, where that is more than ordinary use.

    A single environment is fully in use during each invocation: below ten in use this alarm is silent, and the one on
    spillover goes off when more are needed.

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
