"""Interface endpoints of VPCs: one too many, and those that are missing."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import Assembly, Resource
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Finding, Rule


def _with_private_dns(flows: Flows) -> dict[tuple[str, str], list[Resource]]:
    """The interface endpoints with private DNS names, by VPC and service."""
    found: dict[tuple[str, str], list[Resource]] = defaultdict(list)
    for endpoint in flows.assembly.of_type("AWS::EC2::VPCEndpoint"):
        if endpoint.get("PrivateDnsEnabled") in (True, "true"):
            found[endpoint.text("VpcId"), endpoint.text("ServiceName")].append(endpoint)
    return found


def _twice(flows: Flows) -> Iterator[Finding]:
    for (_, service), (first, *others) in _with_private_dns(flows).items():
        for endpoint in others:
            if endpoint.may_coexist_with(first):
                yield Finding(
                    endpoint,
                    f"{endpoint.path} and {first.path} are endpoints of {flows.assembly.shown(service)} in one VPC, "
                    f"and both have private DNS names.",
                )


def _missing(flows: Flows) -> Iterator[Finding]:
    available: dict[str, set[str]] = defaultdict(set)
    for vpc, service in _with_private_dns(flows):
        available[vpc].add(service.rpartition(".")[2].removesuffix("-fips"))
    isolated = _isolated_subnets(flows.assembly)
    for caller, needed, subnets in (*_rotations(flows), *_readers(flows)):
        vpcs = {isolated.get(subnet, "") for subnet in subnets}
        here = available[vpcs.pop()] if len(vpcs) == 1 and "" not in vpcs else None
        missing = [] if here is None else [each for each in needed if each not in here]
        if missing:
            yield Finding(
                caller,
                f"{caller.path} runs in subnets without a way to the internet, and no template of the app has an "
                f"endpoint of {' and '.join(missing)} in their VPC.",
            )


def _rotations(flows: Flows) -> Iterator[tuple[Resource, list[str], list[str]]]:
    """The rotations of an app, the services that each calls, and the subnets that it runs in."""
    for rotation in flows.assembly.of_type("AWS::SecretsManager::RotationSchedule"):
        yield rotation, _needed(flows, rotation), _subnets(flows, rotation)


_READ: Final = {
    "secretsmanager:GetSecretValue": "secretsmanager",
    "ssm:GetParameter": "ssm",
    "appconfig:GetLatestConfiguration": "appconfigdata",
}
"""The actions of a function that reads its configuration, and the services that it calls."""


def _readers(flows: Flows) -> Iterator[tuple[Resource, list[str], list[str]]]:
    """The functions in VPCs that read secrets, parameters or feature flags, in the same way."""
    for function in flows.assembly.of_type("AWS::Lambda::Function"):
        subnets = function.texts("VpcConfig", "SubnetIds")
        role = function.text("Role")
        needed = [
            service for action, service in _READ.items() if subnets and flows.permissions.names(role, action)
        ]
        if needed:
            yield function, needed, subnets


def _needed(flows: Flows, rotation: Resource) -> list[str]:
    """The services that a rotation calls: with two users, that of RDS too where the master's secret is RDS's own."""
    master = rotation.text("HostedRotationLambda", "MasterSecretArn")
    is_of_rds = bool(master) and "MasterUserSecret" in flows.assembly.shown(master)
    return ["secretsmanager", "rds"] if is_of_rds else ["secretsmanager"]


def _subnets(flows: Flows, rotation: Resource) -> list[str]:
    hosted = rotation.text("HostedRotationLambda", "VpcSubnetIds")
    if hosted:
        return [subnet.strip() for subnet in hosted.split(",")]
    function = flows.function(rotation.template.function(rotation.text("RotationLambdaARN"))[0])
    return function.texts("VpcConfig", "SubnetIds") if function is not None else []


def _isolated_subnets(assembly: Assembly) -> dict[str, str]:
    """The subnets of the app from which nothing leads out, each with its VPC."""
    gateways = {_id(gateway) for gateway in assembly.of_type("AWS::EC2::InternetGateway")}
    # A function has no public address, so that an internet gateway is of no use to it.
    routes = assembly.of_type("AWS::EC2::Route")
    lead_out = {route.text("RouteTableId") for route in routes if route.text("GatewayId") not in gateways}
    isolated = {_id(table) for table in assembly.of_type("AWS::EC2::RouteTable")} - lead_out
    associations = list(assembly.of_type("AWS::EC2::SubnetRouteTableAssociation"))
    tables = {each.text("SubnetId"): each.text("RouteTableId") for each in associations}
    return {
        _id(subnet): subnet.text("VpcId")
        for subnet in assembly.of_type("AWS::EC2::Subnet")
        if tables.get(_id(subnet)) in isolated
    }


def _id(resource: Resource) -> str:
    return resource.template.text({"Ref": resource.logical_id})


ENDPOINT_TWICE: Final = Rule(
    id="endpoint-twice",
    severity="error",
    reason="A VPC can have the private DNS name of a service once: EC2 refuses the second endpoint.",
    fix="Use the endpoint that exists (leave the service out of interface_endpoints), or turn private DNS off for one.",
    source=_defaults.PRIVATE_DNS,
    find=_twice,
)

ENDPOINT_MISSING: Final = Rule(
    id="endpoint-missing",
    severity="warning",
    reason="Without one, each call waits until it times out: those of a rotation weeks after the deployment.",
    fix='Add an endpoint, such as vpc.add_interface_endpoint("Secrets", service='
    'ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER) or interface_endpoints=["secretsmanager"] of one '
    "ProxiedDatabase in this VPC. Acknowledge this if the VPC has one that is not in this app.",
    source=_defaults.INTERFACE_ENDPOINTS,
    find=_missing,
)

RULES: Final = (ENDPOINT_TWICE, ENDPOINT_MISSING)
