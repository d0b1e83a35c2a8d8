"""Feature flags of AppConfig for functions: deployed gradually, and rolled back on an alarm."""

import json
from collections.abc import Mapping, Sequence
from typing import Final
from weakref import WeakSet

from aws_cdk import Names
from aws_cdk import aws_appconfig as appconfig
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, clients, destination, location, permissions
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.invoked import Invoked, changeable, check_place
from constructs_lib.foundation.resource import find_resource, path_of, properties_of
from constructs_lib.practice.plugin import check_app_of

_NAME_CHARACTERS_MAX: Final = 64
"""https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_CreateApplication.html"""
_ACTIONS: Final = ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"]
_ENVIRONMENT: Final = "live"


class FeatureFlags(Construct):
    """Feature flags that functions read at run time, changed without a deployment of code, and rolled back on an alarm.

    A change of `flags` creates a new version in AppConfig, which reaches the functions gradually, according to
    `deployment_strategy`. If one of `rollback_alarms` goes off during that time, or during the bake time after it,
    AppConfig rolls back to the previous version.

    `connect` allows a function to read the flags, and sets an environment variable that names them. A handler reads
    them with `CachedValue.feature_flags` of the runtime.

    The guide is docs/configuration.md.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        flags: Whether each flag is on, by name: a lowercase letter and then up to 63 letters, digits, hyphens and
            underscores.
        rollback_alarms: The alarms that roll a change back, 1 to 5 of this Region and account, such as
            `LiveAlias(...).errors_alarm`. They must treat missing data as OK: AppConfig rolls back without data.
        deployment_strategy: One of AppConfig's predefined strategies; default
            `AppConfig.Canary10Percent20Minutes`, which deploys within 20 minutes and then monitors the alarms
            for 10. `AppConfig.AllAtOnce` deploys at once, and then monitors them.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        application: The application in AppConfig, which has only these flags.
        environment: Its environment, with the alarms.
        profile: The configuration profile of type `AWS.AppConfig.FeatureFlags`.
        deployment: The deployment of the flags in the template; each change replaces it.
        alarm_role: The role with which AppConfig reads the state of the alarms.

    Source: https://docs.aws.amazon.com/appconfig/latest/userguide/deploying-feature-flags.html
    """

    application: Final[appconfig.CfnApplication]
    environment: Final[appconfig.CfnEnvironment]
    profile: Final[appconfig.CfnConfigurationProfile]
    deployment: Final[appconfig.CfnDeployment]
    alarm_role: Final[iam.Role]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        flags: Mapping[str, bool],
        rollback_alarms: Sequence[cloudwatch.IAlarm | cloudwatch.AlarmBase],
        deployment_strategy: str = _defaults.FLAG_DEPLOYMENT_STRATEGIES[0],
    ) -> None:
        """Create the flags and their deployment; the arguments are described at the class."""
        _check_flags(flags)
        _check_alarms(scope, rollback_alarms)
        _validation.check_text("deployment_strategy", deployment_strategy)
        _validation.check_choice(
            "deployment_strategy",
            deployment_strategy,
            _defaults.FLAG_DEPLOYMENT_STRATEGIES,
            source=_defaults.FLAG_DEPLOYMENTS,
        )

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        self._connected: WeakSet[lambda_.Function] = WeakSet()
        self._uses = {f"rollback_alarms[{number}]": alarm for number, alarm in enumerate(rollback_alarms)}
        self.alarm_role = iam.Role(
            self,
            "AlarmRole",
            assumed_by=iam.ServicePrincipal("appconfig.amazonaws.com"),
            description="Lets AppConfig look at the alarms that take a change of feature flags back",
        )
        self.alarm_role.add_to_policy(
            iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"])
        )
        acknowledge(
            self.alarm_role,
            {
                "AwsSolutions-IAM5[Resource::*]": "cloudwatch:DescribeAlarms supports composite alarms only with "
                "resource *, and rollback_alarms may be composite alarms. The action only reads."
            },
        )
        self.application = appconfig.CfnApplication(
            self, "Application", name=Names.unique_resource_name(self, max_length=_NAME_CHARACTERS_MAX)
        )
        self.environment = appconfig.CfnEnvironment(
            self,
            "Environment",
            application_id=self.application.ref,
            name=_ENVIRONMENT,
            monitors=[
                appconfig.CfnEnvironment.MonitorsProperty(
                    alarm_arn=alarm.alarm_arn, alarm_role_arn=self.alarm_role.role_arn
                )
                for alarm in rollback_alarms
            ],
        )
        # AppConfig looks at the alarms from the first deployment on.
        self.environment.node.add_dependency(self.alarm_role)
        self.profile = appconfig.CfnConfigurationProfile(
            self,
            "Profile",
            application_id=self.application.ref,
            name="flags",
            location_uri="hosted",
            type="AWS.AppConfig.FeatureFlags",
        )
        version = appconfig.CfnHostedConfigurationVersion(
            self,
            "Version",
            application_id=self.application.ref,
            configuration_profile_id=self.profile.ref,
            content_type="application/json",
            content=_content(flags),
        )
        self.deployment = appconfig.CfnDeployment(
            self,
            "Deployment",
            application_id=self.application.ref,
            environment_id=self.environment.ref,
            configuration_profile_id=self.profile.ref,
            configuration_version=version.ref,
            deployment_strategy_id=deployment_strategy,
        )

    def connect(self, function: FunctionLike, *, variable: str = "FEATURE_FLAGS") -> None:
        """Allow a function to read the flags, and set the environment variable that names them.

        Args:
            function: A function of this app, of the same Region and account, or its alias.
            variable: The name of the environment variable; another one for other flags of the same function.

        Raises:
            InvalidPropsError: The function is imported, a version, or of another Region or account; it is connected
                already; the variable is taken; or one of the alarms is in the function's stack, and the flags are not.
        """
        invoked = Invoked.of(function)
        behind = changeable(function)
        check_place(self, invoked)
        if behind in self._connected:
            raise InvalidPropsError(
                f"function {invoked.path} is connected to {self.node.path} already (an alias stands for its "
                "function): leave the second call out."
            )
        clients.check_variable(invoked, behind, variable)
        clients.check_stack(behind, location.stack_of(behind), self, location.stack_of(self), self._uses)
        self._connected.add(behind)
        application, profile = self.application.ref, self.profile.ref
        # The environment refers to the alarms, which may be the function's own: it is named, and not referred to.
        behind.add_environment(variable, f"{application}/{_ENVIRONMENT}/{profile}")
        stack, role = location.stack_of(self), permissions.role_of(behind)
        arn = (
            f"arn:{stack.partition}:appconfig:{stack.region}:{stack.account}:application/{application}/environment/*/"
            f"configuration/{profile}"
        )
        # The function's stack refers to the flags by the variable already: its policy is there, too.
        permissions.allow_role(behind, role, _ACTIONS, arn, resource=self.profile)
        destination.acknowledge_wildcard(
            role,
            arn,
            "",
            "The application has one environment, which refers to alarms of the function: its id would be a cycle.",
        )


def _content(flags: Mapping[str, bool]) -> str:
    """Flags as the type `AWS.AppConfig.FeatureFlags` has them (_defaults.FEATURE_FLAGS)."""
    return json.dumps(
        {
            "version": "1",
            "flags": {name: {"name": name} for name in flags},
            "values": {name: {"enabled": is_on} for name, is_on in flags.items()},
        }
    )


def _check_flags(flags: Mapping[str, bool]) -> None:
    if not isinstance(flags, Mapping) or not flags:
        raise InvalidPropsError(
            "flags must be a mapping from the names of flags to whether they are on, such as {'express': False}, got "
            f"{_validation.shown(flags)}."
        )
    for name, is_on in flags.items():
        _validation.check_pattern(
            "each name of flags",
            name,
            _defaults.FLAG_NAME_PATTERN,
            "a lowercase letter and then up to 63 letters, digits, hyphens and underscores",
            source=_defaults.FEATURE_FLAGS,
        )
        _validation.check_flag(f"flags[{name!r}]", is_on)


def _check_alarms(scope: Construct, rollback_alarms: Sequence[cloudwatch.IAlarm]) -> None:
    _validation.check_parts("rollback_alarms", rollback_alarms, "alarm_arn", "alarms")
    if not 1 <= len(rollback_alarms) <= _defaults.FLAG_ALARMS_MAX:
        raise InvalidPropsError(
            f"rollback_alarms must be 1 to {_defaults.FLAG_ALARMS_MAX} alarms, got {len(rollback_alarms)}: without "
            f"one, nothing takes a change back. See {_defaults.FLAG_ROLLBACK}"
        )
    for alarm in rollback_alarms:
        location.check(
            scope,
            "rollback_alarms",
            alarm,
            way_out="Pass an alarm of the flags' own Region and account.",
            source=_defaults.FLAG_ROLLBACK,
        )
        if alarm in alarms.left_out:
            raise InvalidPropsError(
                f"rollback_alarms cannot have {path_of(alarm)}, which AlarmSettings leaves out: AppConfig would look "
                "for an alarm that does not exist. Pass it only where alarms are created, or call "
                f"AlarmSettings.of(...).leave_out(left_out=False) for what has it. See {_defaults.FLAG_ROLLBACK}"
            )
        single = find_resource(alarm, cloudwatch.CfnAlarm)
        resource = single or find_resource(alarm, cloudwatch.CfnCompositeAlarm)
        properties = {} if resource is None else properties_of(resource)
        if properties.get("actionsEnabled") is False:
            raise InvalidPropsError(
                f"rollback_alarms must have their actions enabled, got {path_of(alarm)}, whose actions are disabled: "
                "AppConfig does not roll back for such an alarm. Create it with actions_enabled=True. "
                f"See {_defaults.FLAG_ROLLBACK}"
            )
        missing = None if single is None else properties.get("treatMissingData", "missing")
        if missing not in (None, "notBreaching"):
            raise InvalidPropsError(
                f"rollback_alarms must treat missing data as OK, got {path_of(alarm)}, which treats it as {missing!r}: "
                "AppConfig rolls back for INSUFFICIENT_DATA, so that no change would arrive in a quiet hour. Create "
                f"it with treat_missing_data=TreatMissingData.NOT_BREACHING. See {_defaults.FLAG_ROLLBACK}"
            )
