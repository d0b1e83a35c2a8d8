"""A serverless cache of Valkey in a VPC, for functions that log in with IAM."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Names, RemovalPolicy, Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, clients, encryption, location, permissions
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.door import Door
from constructs_lib.foundation.invoked import Invoked, changeable, check_place
from constructs_lib.foundation.physical_name import physical_name
from constructs_lib.foundation.resource import node_of, path_of, resource_of
from constructs_lib.foundation.subnets import all_subnet_ids, selected
from constructs_lib.practice.plugin import check_app_of

if TYPE_CHECKING:  # a service module costs time at import
    from aws_cdk import aws_kms as kms


@jsii.implements(ec2.IConnectable)
class ServerlessCache(Construct):
    """An ElastiCache Serverless cache of Valkey, which only connected functions can reach, and only over TLS.

    What is deployed: the cache, with a maximum of storage and of processing units; a security group; a user group
    without a default user; and alarms on throttled and refused requests, and at 75 % of each maximum. `connect` gives a
    function its own user with access to its keys, the permission to log in as this user with IAM, the security group
    rules, and the environment variables that `constructs_lib.runtime.cache_login` reads.

    CloudFormation replaces the cache with an empty one, with a new name, when `encryption_key`, `vpc`, `vpc_subnets` or
    the path of this construct changes.

    The guide is docs/cache.md.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        vpc: The VPC of the cache and of its functions.
        vpc_subnets: The subnets of `vpc`, each in its own Availability Zone; default those with a NAT gateway, or else
            the isolated ones.
        maximum_data_storage: GB that the cache may store, 1 to 5,000; default 1. When it is reached, keys with an
            expiry are evicted, or writes fail.
        maximum_ecpu_per_second: ElastiCache processing units that it may use each second, 1,000 to 15,000,000; default
            10,000. Above that, requests are throttled.
        major_engine_version: The major version of Valkey, 7 or higher; default 8. It can only go up.
        snapshot_retention_limit: Number of daily snapshots are kept, 0 to 35; default 0.
        encryption_key: Your own key, symmetric, of the same Region; default a key that AWS owns, without cost.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one is
            created, for you to subscribe to.
        removal_policy: What happens to the cache when the stack is deleted, or the cache is replaced; default DESTROY.
            RETAIN keeps its user group and its security group, too; the VPC you retain yourself.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        cache: The cache.
        user_group: The users, one for each connected function.
        security_group: The security group of the cache.
        vpc: The VPC of the cache.
        alarm_topic: The topic that the alarms notify: the one that you passed, that of `AlarmSettings`, or one that was
            created.
        throttles_alarm: On requests that are throttled.
        storage_alarm: On the storage, at 75 % of its maximum.
        processing_alarm: On the processing units, at 75 % of their maximum.
        refusals_alarm: On requests that are refused because of their token, key or command.

    Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/WhatIs.html
    """

    cache: Final[elasticache.CfnServerlessCache]
    user_group: Final[elasticache.CfnUserGroup]
    security_group: Final[ec2.SecurityGroup]
    vpc: Final[ec2.IVpc]
    alarm_topic: Final[sns.ITopic]
    throttles_alarm: Final[cloudwatch.Alarm]
    storage_alarm: Final[cloudwatch.Alarm]
    processing_alarm: Final[cloudwatch.Alarm]
    refusals_alarm: Final[cloudwatch.Alarm]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc | ec2.Vpc,
        vpc_subnets: ec2.SubnetSelection | None = None,
        maximum_data_storage: float = _defaults.CACHE_STORAGE_GB,
        maximum_ecpu_per_second: float = _defaults.CACHE_ECPU_PER_SECOND,
        major_engine_version: str = _defaults.VALKEY_VERSION,
        snapshot_retention_limit: float = 0,
        encryption_key: "kms.IKey | kms.Key | None" = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the cache, its users and its alarms; the arguments are described at the class."""
        location.check(
            scope,
            "vpc",
            vpc,
            same_account=False,
            way_out="A cache is in a VPC of its own Region: create this ServerlessCache there.",
            source=_defaults.CACHE_VPC,
        )
        subnets = selected(vpc, vpc_subnets)
        _check_subnets(vpc, subnets)
        _check_numbers(maximum_data_storage, maximum_ecpu_per_second, snapshot_retention_limit)
        _validation.check_pattern(
            "major_engine_version",
            major_engine_version,
            "[7-9]|[1-9][0-9]",
            "the number of a major version of Valkey, '7' or higher",
            source=_defaults.CACHE_VERSIONS,
        )
        encryption.check_key(scope, encryption_key, of="ElastiCache", source=_defaults.CACHE_KEYS)
        Alarms.check_topic(scope, alarm_topic)
        _validation.check_member("removal_policy", removal_policy, RemovalPolicy, without="SNAPSHOT")

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        stack = self._stack = location.stack_of(self)
        uses = {"vpc": vpc, "encryption_key": encryption_key, "alarm_topic": alarm_topic}
        self._uses: dict[str, IConstruct] = {name: part for name, part in uses.items() if part is not None}
        self._key_arn = None if encryption_key is None else encryption_key.key_arn
        self.vpc = vpc
        self._subnet_ids: frozenset[str] | None = None
        self.security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="ElastiCache Serverless", allow_all_outbound=False
        )
        location.note(self, self.security_group)
        path = path_of(self)
        longest = _defaults.CACHE_NAME_LENGTH_MAX
        self._users: WeakKeyDictionary[lambda_.Function, elasticache.CfnUser] = WeakKeyDictionary()
        self.user_group = elasticache.CfnUserGroup(
            self,
            "UserGroup",
            engine=_ENGINE,
            user_group_id=physical_name(stack, path, ["users"], longest=longest, otherwise="cache"),
            user_ids=[],
        )
        name = physical_name(
            stack, path, [list(subnets.subnet_ids), self._key_arn], longest=longest, otherwise="cache"
        )
        self.cache = elasticache.CfnServerlessCache(
            self,
            "Cache",
            serverless_cache_name=name,
            engine=_ENGINE,
            major_engine_version=major_engine_version,
            cache_usage_limits=elasticache.CfnServerlessCache.CacheUsageLimitsProperty(
                data_storage=elasticache.CfnServerlessCache.DataStorageProperty(
                    unit="GB", maximum=maximum_data_storage
                ),
                ecpu_per_second=elasticache.CfnServerlessCache.ECPUPerSecondProperty(
                    maximum=maximum_ecpu_per_second
                ),
            ),
            kms_key_id=self._key_arn,
            security_group_ids=[self.security_group.security_group_id],
            snapshot_retention_limit=snapshot_retention_limit,  # also 0: ElastiCache keeps a limit that is left out
            subnet_ids=list(subnets.subnet_ids),
            user_group_id=self.user_group.ref,
        )
        self.cache.apply_removal_policy(removal_policy or RemovalPolicy.DESTROY)
        if removal_policy in _KEEPING:
            # AWS deletes neither a user group nor a security group that is in use (CACHE_USER_GROUPS), so a stack that
            # retained the cache alone could not be deleted.
            for around in (self.user_group, resource_of(self.security_group, ec2.CfnSecurityGroup)):
                around.apply_removal_policy(removal_policy)
        self._door = Door(stack, self.security_group, _PORT, "Valkey", to_port=_READER_PORT)
        alarms_here = Alarms(self, alarm_topic)
        self.alarm_topic = alarms_here.topic
        self.throttles_alarm = alarms_here.add("ThrottlesAlarm", _throttles(name))
        self.storage_alarm = alarms_here.add("StorageAlarm", _storage(name, maximum_data_storage))
        self.processing_alarm = alarms_here.add("ProcessingAlarm", _processing(name, maximum_ecpu_per_second))
        self.refusals_alarm = alarms_here.add("RefusalsAlarm", _refusals(name))
        self._name = name

    @property
    def connections(self) -> ec2.Connections:
        """The connections of the cache, at its port: `cache.connections.allow_default_port_from(bastion)`."""
        return ec2.Connections(security_groups=[self.security_group], default_port=ec2.Port.tcp(_PORT))

    def connect(
        self,
        function: FunctionLike,
        *,
        key_prefix: str = "",
        commands: Sequence[str] = (),
        environment_prefix: str = "CACHE",
    ) -> None:
        """Allow a function to log in, as a user that may read and write its keys.

        The function gets security group rules, a user, `elasticache:Connect` only as this user of this cache, and the
        environment variables that `constructs_lib.runtime.cache_login` reads: `CACHE_HOST`, `_PORT`, `_NAME` and
        `_USER`.

        Args:
            function: A function in `vpc`, or its alias.
            key_prefix: Prefix of its keys, such as `price:`; default: all keys.
            commands: Commands that it may run in addition to reading, writing and transactions, as rules of Valkey's
                access control list: `["+@scripting"]`. Administrative and dangerous commands remain forbidden.
            environment_prefix: Prefix of the environment variables; a second cache of a function requires another.

        Raises:
            InvalidPropsError: The function is outside of the VPC, or imported, or a version; it is connected already;
                the prefix is taken; or an argument cannot work.
        """
        access = _access_string(key_prefix, commands)
        invoked = Invoked.of(function)
        behind = changeable(function)
        check_place(self, invoked)
        function_stack = location.stack_of(behind)
        if self._subnet_ids is None:
            self._subnet_ids = all_subnet_ids(self.vpc)
        clients.check_vpc(
            behind,
            invoked.properties.get("vpcConfig"),
            self.vpc,
            self._subnet_ids,
            what="cache",
            reaches="it",
            source=_defaults.CACHE_VPC,
        )
        clients.check_stack(behind, function_stack, self, self._stack, self._uses)
        clients.claim(behind, environment_prefix, clients.Connection(path_of(self), "connect"))
        user = self._user_of(behind, access)
        self._door.let_in(behind, function_stack)
        role = permissions.role_of(behind)
        for resource, arn in ((self.cache, self.cache.attr_arn), (user, user.attr_arn)):
            permissions.allow_role(behind, role, ["elasticache:Connect"], arn, resource=resource)
        clients.tell(
            behind,
            environment_prefix,
            {
                "HOST": self.cache.attr_endpoint_address,
                "PORT": self.cache.attr_endpoint_port,
                "NAME": self.cache.ref,
                "USER": user.ref,
            },
        )
        # The user is in the group before the function has its name; the cache depends on the group.
        node_of(behind).add_dependency(self.cache)
        behind.invalidate_version_based_on(self._name)

    def _user_of(self, function: lambda_.Function, access: str) -> elasticache.CfnUser:
        """A user in the group. Its name stays when its access changes, which is then changed in place."""
        if function in self._users:
            raise InvalidPropsError(
                f"function {path_of(function)} is connected to {path_of(self)} already: a function has one user of a "
                f"cache."
            )
        name = physical_name(
            self._stack,
            path_of(self),
            ["user", path_of(function)],
            longest=_defaults.CACHE_NAME_LENGTH_MAX,
            otherwise="cache",
        )
        self._users[function] = elasticache.CfnUser(
            self,
            f"User{Names.node_unique_id(node_of(function))}",
            engine=_ENGINE,
            user_id=name,
            user_name=name,
            access_string=access,
            authentication_mode={"Type": "iam"},
        )
        self.user_group.user_ids = [user.ref for user in self._users.values()]
        return self._users[function]


_KEEPING: Final = (RemovalPolicy.RETAIN, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
_ENGINE: Final = "valkey"
_PORT: Final = 6379
_READER_PORT: Final = 6380
"""Where a client reaches a cache, and where it reads from the copies of the zone that it is in (CACHE_VPC)."""


def _access_string(key_prefix: str, commands: Sequence[str]) -> str:
    """What a user may do: the last rules take away what the others have given."""
    if key_prefix != "":
        _validation.check_pattern(
            "key_prefix",
            key_prefix,
            r"[^\s*?\[\]\\^]+",
            "text without spaces and without the characters of a pattern",
            source=_defaults.CACHE_ACCESS,
        )
    _validation.check_texts("commands", commands)
    for rule in commands:
        if not re.fullmatch(r"\+(@[a-z]+|[a-z][a-z.-]*(\|[a-z-]+)?)", rule) or rule in _NEVER:
            raise InvalidPropsError(
                f"commands must be rules that allow a command or a category, such as '+@scripting', got {rule!r}: what "
                f"is administrative or dangerous stays forbidden. See {_defaults.CACHE_ACCESS}"
            )
    allowed = " ".join(("+@read +@write +@connection +@transaction +cluster", *commands))
    return f"on ~{key_prefix}* -@all {allowed} -@admin -@dangerous"


_NEVER: Final = ("+@all", "+@admin", "+@dangerous")


def _check_subnets(vpc: ec2.IVpc, subnets: ec2.SelectedSubnets) -> None:
    zones = subnets.availability_zones  # tokens of one zone are equal
    if len(set(zones)) < len(zones) and not subnets.is_pending_lookup:
        raise InvalidPropsError(
            f"vpc_subnets must be one in each zone, got {len(zones)} in {len(set(zones))} zones of vpc "
            f"{path_of(vpc)}. Pass ec2.SubnetSelection(one_per_az=True, ...). See {_defaults.CACHE_VPC}"
        )


def _check_numbers(storage: float, processing: float, snapshots: float) -> None:
    for argument, value, low, high, unit, source in (
        (
            "maximum_data_storage",
            storage,
            _defaults.CACHE_STORAGE_GB_MIN,
            _defaults.CACHE_STORAGE_GB_MAX,
            "GB",
            _defaults.CACHE_LIMITS,
        ),
        (
            "maximum_ecpu_per_second",
            processing,
            _defaults.CACHE_ECPU_PER_SECOND_MIN,
            _defaults.CACHE_ECPU_PER_SECOND_MAX,
            "ECPU",
            _defaults.CACHE_LIMITS,
        ),
        (
            "snapshot_retention_limit",
            snapshots,
            0,
            _defaults.CACHE_SNAPSHOTS_MAX,
            "snapshots",
            _defaults.CACHE_SNAPSHOTS,
        ),
    ):
        if value is None:
            raise InvalidPropsError(f"{argument} must be a number, got None. See {source}")
        _validation.check_range(argument, value, low, high, unit=unit, whole=True, source=source)


# --- what is watched -----------------------------------------------------------------------------------


def _metric(cache_name: str, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/ElastiCache",
        metric_name=name,
        dimensions_map={"clusterId": cache_name},
        statistic=statistic,
        period=alarms.PERIOD,
    )


def _share(metric: cloudwatch.Metric, maximum: str, label: str, description: str) -> Watch:
    return Watch(
        metric=cloudwatch.MathExpression(
            expression=f"100 * used / ({maximum})",
            label=label,
            using_metrics={"used": metric},
            period=alarms.PERIOD,
        ),
        threshold=_defaults.CACHE_ALARM_PERCENT,
        description=description,
    )


def _throttles(cache_name: str) -> Watch:
    return Watch(
        metric=_metric(cache_name, "ThrottledCmds"),
        threshold=0,
        description="The cache throttles requests: it has reached maximum_ecpu_per_second, or traffic grows faster "
        "than it can scale.",
    )


def _storage(cache_name: str, gigabytes: float) -> Watch:
    return _share(
        _metric(cache_name, "BytesUsedForCache", "Maximum"),
        f"{Tokenization.stringify_number(gigabytes)} * 1000000000",
        "Storage of its maximum (%)",
        "The cache is almost full. It will evict keys that have an expiry, and refuse writes if none has. Set an "
        "expiry, or raise maximum_data_storage.",
    )


def _processing(cache_name: str, per_second: float) -> Watch:
    return _share(
        _metric(cache_name, "ElastiCacheProcessingUnits"),
        f"{Tokenization.stringify_number(per_second)} * {_defaults.ALARM_PERIOD_SECONDS}",
        "Processing units of their maximum (%)",
        "The cache is near its maximum of processing units, and will throttle requests. Raise "
        "maximum_ecpu_per_second, or find who asks so much.",
    )


def _refusals(cache_name: str) -> Watch:
    return Watch(
        metric=cloudwatch.MathExpression(
            expression="FILL(logins, 0) + FILL(keys, 0) + FILL(commands, 0)",
            label="Refused logins, keys and commands",
            using_metrics={
                "logins": _metric(cache_name, "AuthenticationFailures"),
                "keys": _metric(cache_name, "KeyAuthorizationFailures"),
                "commands": _metric(cache_name, "CommandAuthorizationFailures"),
            },
            period=alarms.PERIOD,
        ),
        threshold=0,
        description="The cache refuses logins, keys or commands: a function lacks a permission or a key_prefix, or "
        "somebody tries what is not theirs.",
    )
