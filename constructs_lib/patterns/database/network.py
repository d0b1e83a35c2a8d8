"""The network of a database and its functions: a VPC with isolated subnets, endpoints and flow logs, or the user's."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from aws_cdk import Annotations, CfnResource, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.resource import resource_of
from constructs_lib.foundation.subnets import selected

HTTPS: Final = ec2.Port.HTTPS
_FROM_OWN_VPC: Final = ec2.Peer.ipv4(_defaults.VPC_CIDR)
_GATEWAY_ENDPOINTS: Final = {
    "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
    "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
}


@dataclass(frozen=True)
class Network:
    """The VPC of a database and its proxy."""

    vpc: ec2.IVpc
    vpc_subnets: ec2.SubnetSelection | None
    subnets: ec2.SelectedSubnets
    """What `vpc_subnets` selects."""
    interface_endpoints: Mapping[str, ec2.InterfaceVpcEndpoint]
    """The endpoints that were created, by the name of the service."""
    endpoint_security_group: ec2.SecurityGroup | None
    """The security group that these share; None if there are none."""
    flow_log_group: logs.LogGroup | None
    """The log of what security groups refuse; None for a VPC that was passed."""


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """An existing VPC, or how to make one."""

    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    max_azs: int | None
    availability_zones: Sequence[str] | None
    nat_gateways: int | None
    interface_endpoints: Sequence[str]

    def check(self, scope: Construct) -> None:
        """Refuse a VPC that cannot be made, or that RDS Proxy would refuse.

        Args:
            scope: Where the database is going to be.

        Raises:
            InvalidPropsError: An argument is out of its range, or contradicts another.
        """
        if self.vpc is not None:
            _validation.check_not_with(
                "vpc",
                "it is made already.",
                max_azs=self.max_azs,
                availability_zones=self.availability_zones,
                nat_gateways=self.nat_gateways,
            )
            _check_zones_of(self.vpc, selected(self.vpc, self.vpc_subnets))
        elif self.vpc_subnets is not None:
            raise InvalidPropsError("vpc_subnets requires vpc: it selects some of its subnets.")
        _check_own(
            scope,
            max_azs=self.max_azs,
            availability_zones=self.availability_zones,
            nat_gateways=self.nat_gateways,
        )
        _check_endpoints(self.interface_endpoints, self.vpc)

    def make(self, scope: Construct, *, needed: Sequence[str], keep: RemovalPolicy | None) -> Network:
        """Make the VPC, unless there is one, and the interface endpoints.

        Args:
            scope: Where to put them.
            needed: The services that are called from inside: a VPC that is made gets endpoints of them; an imported
                one is told to have them.
            keep: The policy of a VPC that is made, if what stands in it stays when the stack is deleted.
        """
        names = self.interface_endpoints
        if self.vpc is None:
            vpc, flow_log_group = _private_vpc(scope, "Vpc", self, keep)
            vpc_subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
            names = list(dict.fromkeys([*needed, *names]))
            subnets = selected(vpc, vpc_subnets)
            from_own = _FROM_OWN_VPC
        else:
            vpc, flow_log_group = self.vpc, None
            subnets = selected(vpc, self.vpc_subnets)
            # The constructs of the CDK differ in what None selects.
            vpc_subnets = self.vpc_subnets or ec2.SubnetSelection(subnets=subnets.subnets)
            _tell_needed_endpoints(scope, vpc, subnets, set(needed) - set(names))
            _warn_of_public_subnets(scope, vpc, subnets)
            from_own = None
        endpoints, security_group = _interface_endpoints(
            scope, vpc=vpc, vpc_subnets=vpc_subnets, names=names, from_own=from_own
        )
        return Network(vpc, vpc_subnets, subnets, endpoints, security_group, flow_log_group)


def _private_vpc(
    scope: Construct, construct_id: str, settings: NetworkSettings, keep: RemovalPolicy | None
) -> tuple[ec2.IVpc, logs.LogGroup]:
    """Make a VPC that nothing outside can reach, with a flow log of what its security groups refuse.

    Its subnets are isolated: no route leads to the internet or from it. With NAT gateways there are private
    subnets too, for functions that must reach the internet, and the public ones that the gateways stand in.
    The gateway endpoints of S3 and DynamoDB cost nothing.

    The default security group is left as AWS made it: nothing of ours is in it, and closing it takes a custom
    resource, a function in your account that may change security groups.
    """
    wanted, availability_zones = settings.max_azs, settings.availability_zones
    max_azs = _defaults.AVAILABILITY_ZONES if availability_zones is None and wanted is None else wanted
    nat_gateways = settings.nat_gateways or 0
    subnets = [
        ec2.SubnetConfiguration(
            name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=_defaults.SUBNET_MASK
        )
    ]
    if nat_gateways:
        subnets += [
            ec2.SubnetConfiguration(
                name="Private",
                subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS,
                cidr_mask=_defaults.SUBNET_MASK,
            ),
            ec2.SubnetConfiguration(
                name="Public",
                subnet_type=ec2.SubnetType.PUBLIC,
                cidr_mask=_defaults.SUBNET_MASK,
                map_public_ip_on_launch=False,
            ),
        ]
    vpc = ec2.Vpc(
        scope,
        construct_id,
        ip_addresses=ec2.IpAddresses.cidr(_defaults.VPC_CIDR),  # one for each VPC: it counts up
        max_azs=max_azs,
        availability_zones=None if availability_zones is None else list(availability_zones),
        nat_gateways=nat_gateways,
        subnet_configuration=subnets,
        restrict_default_security_group=False,
        gateway_endpoints=_GATEWAY_ENDPOINTS,
    )
    if keep is not None:
        for part in (vpc, *vpc.isolated_subnets):
            resource_of(part, CfnResource).apply_removal_policy(keep)
    log_group = logs.LogGroup(
        scope,
        f"{construct_id}FlowLogGroup",
        retention=logs.RetentionDays.ONE_MONTH,
        removal_policy=RemovalPolicy.DESTROY,
    )
    flow_log = vpc.add_flow_log(
        "Refused",
        destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group),
        traffic_type=ec2.FlowLogTrafficType.REJECT,
    )
    _trust_this_account_alone(flow_log)
    if wanted is not None and not _validation.is_unresolved(wanted):
        zones = len(vpc.availability_zones)
        if zones < wanted:
            Annotations.of(scope).add_warning_v2(
                "constructs-lib:fewer-zones",
                f"max_azs is {wanted:g}, but the VPC gets {zones} zones: CDK knows no more in this stack. Give the "
                f"stack an account and a Region (env=), or pass availability_zones. See {_defaults.STACK_ENVIRONMENT}",
            )
    return vpc, log_group


def _trust_this_account_alone(flow_log: ec2.FlowLog) -> None:
    """Let the service deliver logs with this role for flow logs of this account only, as AWS recommends.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    role = flow_log.iam_role
    assert role is not None  # noqa: S101 - a flow log to CloudWatch Logs has one
    resource_of(role, iam.CfnRole).add_property_override(
        "AssumeRolePolicyDocument.Statement.0.Condition",
        {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    )


def _interface_endpoints(
    scope: Construct,
    *,
    vpc: ec2.IVpc,
    vpc_subnets: ec2.SubnetSelection | None,
    names: Sequence[str],
    from_own: ec2.IPeer | None,
) -> tuple[Mapping[str, ec2.InterfaceVpcEndpoint], ec2.SecurityGroup | None]:
    """Let what runs in the VPC reach AWS services without the internet.

    Args:
        scope: Where to put them.
        vpc: The VPC.
        vpc_subnets: The subnets to put an address into, at most one in a zone.
        names: The services as AWS abbreviates them, such as `sqs` or `secretsmanager`.
        from_own: Who may use them; None for the whole VPC.

    Returns:
        The endpoints by name, and the security group that they share.
    """
    if not names:
        return {}, None
    security_group = ec2.SecurityGroup(
        scope,
        "EndpointSecurityGroup",
        vpc=vpc,
        description="Interface endpoints of AWS services",
        allow_all_outbound=False,
    )
    security_group.add_ingress_rule(
        from_own or ec2.Peer.ipv4(vpc.vpc_cidr_block), HTTPS, "From inside the VPC"
    )
    endpoints = {
        name: ec2.InterfaceVpcEndpoint(
            scope,
            f"{''.join(part.capitalize() for part in name.replace('-', '.').split('.'))}Endpoint",
            vpc=vpc,
            subnets=vpc_subnets,
            service=ec2.InterfaceVpcEndpointAwsService(name),
            security_groups=[security_group],
            open=False,
        )
        for name in names
    }
    return endpoints, security_group


def _tell_needed_endpoints(
    scope: Construct, vpc: ec2.IVpc, subnets: ec2.SelectedSubnets, names: Set[str]
) -> None:
    """Name the endpoints that an imported VPC needs; those of a VPC of the app are checked at synth.

    Args:
        scope: The construct that needs them.
        vpc: The VPC.
        subnets: Where the rotation runs.
        names: The services that are needed, and get no endpoint here.
    """
    if not names or isinstance(vpc, ec2.Vpc):
        return
    isolated = {subnet.subnet_id for subnet in vpc.isolated_subnets}
    if isolated.issuperset(subnets.subnet_ids):
        needed = sorted(names)
        Annotations.of(scope).add_info_v2(
            "constructs-lib:endpoints-of-imported-vpc",
            f"The rotation runs in isolated subnets of the imported VPC {vpc.node.path}, and needs an endpoint of "
            f"{' and '.join(needed)} there. If the VPC has none, pass interface_endpoints={needed}; if it has one, "
            f"EC2 refuses a second one with private DNS names. See {_defaults.INTERFACE_ENDPOINTS}",
        )


def _warn_of_public_subnets(scope: Construct, vpc: ec2.IVpc, subnets: ec2.SelectedSubnets) -> None:
    """Warn of what public subnets lack: functions in them have no public address, so no way out either.

    Args:
        scope: What the warning is about.
        vpc: The VPC.
        subnets: Where the database, its proxy and the rotation are.
    """
    if not subnets.has_public:
        return
    Annotations.of(scope).add_warning_v2(
        "constructs-lib:public-subnets",
        f"The database of {scope.node.path} and its proxy are in public subnets of vpc {vpc.node.path}. Nothing "
        f"reaches them from the internet, but what runs there has no public address: neither functions nor AWS's "
        f"rotation reach Secrets Manager or anything else without an interface endpoint. Select private or isolated "
        f"subnets with vpc_subnets, or leave vpc out to have a VPC made. See {_defaults.RDS_VPC}",
    )


# --- arguments -----------------------------------------------------------------------------------------


def _check_zones_of(vpc: ec2.IVpc, subnets: ec2.SelectedSubnets) -> None:
    zones = set(subnets.availability_zones)
    known = not subnets.is_pending_lookup and not any(map(_validation.is_unresolved, zones))
    if known and len(zones) < _defaults.AVAILABILITY_ZONES_MIN:
        raise InvalidPropsError(
            f"vpc_subnets must be in {_defaults.AVAILABILITY_ZONES_MIN} zones or more, got {len(zones)} "
            f"({', '.join(zones)}) in vpc {vpc.node.path}. See {_defaults.RDS_PROXY_NETWORK}"
        )


def _check_own(
    scope: Construct,
    *,
    max_azs: int | None,
    availability_zones: Sequence[str] | None,
    nat_gateways: int | None,
) -> None:
    low, high = _defaults.AVAILABILITY_ZONES_MIN, _defaults.AVAILABILITY_ZONES_MAX
    source = _defaults.RDS_PROXY_NETWORK
    _validation.check_range("max_azs", max_azs, low, high, whole=True, source=source)
    zones = max_azs or _defaults.AVAILABILITY_ZONES
    if availability_zones is not None:
        _validation.check_not_with(
            "availability_zones", "these say how many zones there are.", max_azs=max_azs
        )
        _check_zones(scope, availability_zones)
        zones = len(availability_zones)
    _validation.check_range("nat_gateways", nat_gateways, 0, zones, whole=True, source=_defaults.NAT_GATEWAYS)


def _check_zones(scope: Construct, availability_zones: Sequence[str]) -> None:
    low, high = _defaults.AVAILABILITY_ZONES_MIN, _defaults.AVAILABILITY_ZONES_MAX
    _validation.check_texts("availability_zones", availability_zones)
    if not low <= len(set(availability_zones)) == len(availability_zones) <= high:
        raise InvalidPropsError(
            f"availability_zones must be {low} to {high} different zones, got {list(availability_zones)}. "
            f"See {_defaults.RDS_PROXY_NETWORK}"
        )
    # CDK answers with tokens or with dummies while it does not know the zones of an account.
    there = [zone for zone in Stack.of(scope).availability_zones if not _validation.is_unresolved(zone)]
    strangers = [
        zone for zone in availability_zones if zone not in there and not _validation.is_unresolved(zone)
    ]
    if there and strangers and "dummy1a" not in there:
        raise InvalidPropsError(
            f"availability_zones must be zones of the stack's Region ({', '.join(there)}), got {', '.join(strangers)}. "
            f"They are kept in cdk.context.json: 'cdk context' shows them, and --reset looks them up again."
        )


def _check_endpoints(interface_endpoints: Sequence[str], vpc: ec2.IVpc | None) -> None:
    """Refuse names that no service can have, and a VPC whose addresses nobody knows."""
    _validation.check_texts("interface_endpoints", interface_endpoints)
    for name in interface_endpoints:
        if name.startswith("com.amazonaws."):
            raise InvalidPropsError(
                f"interface_endpoints must have AWS's abbreviations of services, such as 'sqs', got {name!r}: the "
                f"rest of the name is that of the Region. See {_defaults.INTERFACE_ENDPOINTS}"
            )
        _validation.check_pattern(
            "interface_endpoints",
            name,
            r"[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)*",
            "AWS's abbreviations of services, such as 'sqs'",
            source=_defaults.INTERFACE_ENDPOINTS,
        )
    repeated = {name for name in interface_endpoints if list(interface_endpoints).count(name) > 1}
    if repeated:
        raise InvalidPropsError(
            f"interface_endpoints must name a service once, got {sorted(repeated)} again."
        )
    if vpc is None or not interface_endpoints:
        return
    try:
        _ = vpc.vpc_cidr_block
    except RuntimeError:  # what CDK throws becomes this in Python
        raise InvalidPropsError(
            f"vpc {vpc.node.path} must be imported with its vpc_cidr_block for interface_endpoints: they let in what "
            f"is inside that range."
        ) from None
