"""A VPC for functions and their database: isolated subnets, endpoints, flow logs."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from aws_cdk import Annotations, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError


@dataclass(frozen=True)
class PrivateVpc:
    """A VPC, and what it keeps of refused traffic."""

    vpc: ec2.Vpc
    flow_log_group: logs.LogGroup


def private_vpc(scope: Construct, construct_id: str, *, max_azs: int, nat_gateways: int) -> PrivateVpc:
    """Make a VPC that nothing outside can reach.

    Its subnets are isolated: no route leads to the internet or from it. With NAT gateways there are private
    subnets too, for functions that must reach the internet, and the public ones that the gateways stand in.
    The gateway endpoints of S3 and DynamoDB cost nothing.

    The default security group is left as AWS made it: nothing of ours is in it, and closing it takes a custom
    resource, a function in your account that may change security groups.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        max_azs: In how many zones.
        nat_gateways: How many; 0 for none.

    Returns:
        The VPC, with a flow log of what its security groups refuse.
    """
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
        ip_addresses=ec2.IpAddresses.cidr(_defaults.VPC_CIDR),
        max_azs=max_azs,
        nat_gateways=nat_gateways,
        subnet_configuration=subnets,
        restrict_default_security_group=False,
        gateway_endpoints={
            "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
            "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
        },
    )
    log_group = logs.LogGroup(
        scope,
        f"{construct_id}FlowLogGroup",
        retention=logs.RetentionDays.ONE_MONTH,
        removal_policy=RemovalPolicy.DESTROY,
    )
    vpc.add_flow_log(
        "Refused",
        destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group),
        traffic_type=ec2.FlowLogTrafficType.REJECT,
    )
    return PrivateVpc(vpc, log_group)


def interface_endpoints(
    scope: Construct,
    *,
    vpc: ec2.IVpc,
    vpc_subnets: ec2.SubnetSelection | None,
    names: Sequence[str],
    from_cidr: str | None,
) -> Mapping[str, ec2.InterfaceVpcEndpoint]:
    """Let what runs in the VPC reach AWS services without the internet.

    Args:
        scope: Where to put them.
        vpc: The VPC.
        vpc_subnets: The subnets to put an address into, at most one in a zone.
        names: The services as AWS abbreviates them, such as `sqs` or `secretsmanager`.
        from_cidr: Who may use them; None for the whole VPC.

    Returns:
        The endpoints by name; they share one security group.
    """
    if not names:
        return {}
    security_group = ec2.SecurityGroup(
        scope,
        "EndpointSecurityGroup",
        vpc=vpc,
        description="Interface endpoints of AWS services",
        allow_all_outbound=False,
    )
    security_group.add_ingress_rule(
        ec2.Peer.ipv4(from_cidr or vpc.vpc_cidr_block), ec2.Port.HTTPS, "From inside the VPC"
    )
    return {
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


def tell_needed_endpoints(
    scope: Construct, vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection | None, names: Set[str]
) -> None:
    """Name the endpoints that an imported VPC needs; those of a VPC of the app are checked at synth.

    Args:
        scope: The construct that needs them.
        vpc: The VPC.
        vpc_subnets: Which of its subnets.
        names: The services that are needed, and get no endpoint here.
    """
    if not names or isinstance(vpc, ec2.Vpc):
        return
    isolated = {subnet.subnet_id for subnet in vpc.isolated_subnets}
    if isolated.issuperset(selected(vpc, vpc_subnets).subnet_ids):
        needed = sorted(names)
        Annotations.of(scope).add_info_v2(
            "constructs-lib:endpoints-of-imported-vpc",
            f"The rotation runs in isolated subnets of the imported VPC {vpc.node.path}, and needs an endpoint of "
            f"{' and '.join(needed)} there. If the VPC has none, pass interface_endpoints={needed}; if it has one, "
            f"EC2 refuses a second one with private DNS names. See {_defaults.INTERFACE_ENDPOINTS}",
        )


def let_in(client: ec2.IConnectable, security_group: ec2.SecurityGroup, port: int, what: str) -> None:
    """Open the way from a client to a port, on both sides.

    The rules lie in the client's stack: it depends on the other one already, and the reverse would be a cycle.
    A client that may go anywhere needs no rule to go out; CDK would warn that it ignores one.

    Args:
        client: Who is let in.
        security_group: To where.
        port: To which TCP port.
        what: What is there, for the rules' descriptions.
    """
    for group in client.connections.security_groups:
        tcp = ec2.Port.tcp(port)
        security_group.add_ingress_rule(group, tcp, what, True)
        if not group.allow_all_outbound:
            group.add_egress_rule(security_group, tcp, what)


def selected(vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection | None) -> ec2.SelectedSubnets:
    """The subnets that a selection stands for.

    Args:
        vpc: The VPC.
        vpc_subnets: Which of its subnets.

    Returns:
        The subnets.

    Raises:
        InvalidPropsError: The VPC has none of that kind, or is no VPC.
    """
    if not hasattr(vpc, "select_subnets"):
        has_one = hasattr(vpc, "vpc")
        way_out = (
            f"a {type(vpc).__name__} has it as .vpc" if has_one else "ec2.Vpc.from_lookup finds one by its id"
        )
        raise InvalidPropsError(f"vpc must be a VPC, got {_validation.shown(vpc)}: {way_out}.")
    chosen = vpc_subnets or ec2.SubnetSelection()
    try:
        return vpc.select_subnets(
            availability_zones=chosen.availability_zones,
            one_per_az=chosen.one_per_az,
            subnet_filters=chosen.subnet_filters,
            subnet_group_name=chosen.subnet_group_name,
            subnets=chosen.subnets,
            subnet_type=chosen.subnet_type,
        )
    except RuntimeError as error:  # what CDK throws becomes this in Python
        raise InvalidPropsError(f"vpc_subnets selects nothing in vpc {vpc.node.path}: {error}") from None


def for_database(vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection | None) -> ec2.SubnetSelection:
    """The subnets for a database and its proxy.

    Args:
        vpc: The VPC.
        vpc_subnets: Which of its subnets; None: those with a NAT gateway, or else the isolated, or else any.

    Returns:
        The selection; each part of the CDK would take another one for None.

    Raises:
        InvalidPropsError: They are all in one zone.
    """
    subnets = selected(vpc, vpc_subnets)
    zones = set(subnets.availability_zones)
    known = not subnets.is_pending_lookup and not any(map(_validation.is_unresolved, zones))
    if known and len(zones) < _defaults.AVAILABILITY_ZONES_MIN:
        raise InvalidPropsError(
            f"vpc_subnets must be in {_defaults.AVAILABILITY_ZONES_MIN} zones or more, got {len(zones)} "
            f"({', '.join(zones)}) in vpc {vpc.node.path}. See {_defaults.RDS_PROXY_NETWORK}"
        )
    return vpc_subnets or ec2.SubnetSelection(subnets=subnets.subnets)


def all_subnet_ids(vpc: ec2.IVpc) -> frozenset[str]:
    """Every subnet of a VPC that the app knows.

    Args:
        vpc: The VPC.

    Returns:
        Their ids, which are equal tokens for equal subnets; none where the list itself is a token.
    """
    subnets = (*vpc.isolated_subnets, *vpc.private_subnets, *vpc.public_subnets)
    return frozenset(subnet.subnet_id for subnet in subnets)


# --- arguments -----------------------------------------------------------------------------------------


def check_own(max_azs: int | None, nat_gateways: int | None) -> None:
    """Refuse a VPC that cannot be made, or that RDS Proxy would refuse.

    Args:
        max_azs: In how many zones.
        nat_gateways: How many.

    Raises:
        InvalidPropsError: Too few or too many.
    """
    _validation.in_range(
        "max_azs",
        max_azs,
        _defaults.AVAILABILITY_ZONES_MIN,
        _defaults.AVAILABILITY_ZONES_MAX,
        source=_defaults.RDS_PROXY_NETWORK,
    )
    _validation.in_range(
        "nat_gateways",
        nat_gateways,
        0,
        max_azs or _defaults.AVAILABILITY_ZONES,
        source=_defaults.NAT_GATEWAYS,
    )


def check_endpoints(interface_endpoints: Sequence[str]) -> None:
    """Refuse names that no service can have.

    Args:
        interface_endpoints: The services as AWS abbreviates them.

    Raises:
        InvalidPropsError: One is misspelt, or there twice.
    """
    for name in interface_endpoints:
        _validation.matches(
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
