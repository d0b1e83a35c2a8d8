"""CloudFormation: the parts of a VPC that MiniStack lacks, kept where its own EC2 API reads them.

Nothing here lets a packet through or holds one back: on this machine every function reaches every port.
Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroupingress.html
and the pages of the other types beside it.
"""

import secrets
from collections.abc import Callable
from typing import Any

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

from ..cloudformation import handlers
from ..cloudformation.handlers import Properties, Resource

_RULES = {
    "AWS::EC2::SecurityGroupIngress": "IpPermissions",
    "AWS::EC2::SecurityGroupEgress": "IpPermissionsEgress",
}


def install() -> None:
    """Rules beside their group, flow logs, addresses, NAT gateways; and the attributes of VPCs and subnets."""
    for type_, direction in _RULES.items():
        _add(type_, _make_rule(direction), _delete_rule(direction))
    _add("AWS::EC2::FlowLog", _make_flow_log, lambda id_, _: _forget(ec2._flow_logs, id_))
    _add("AWS::EC2::EIP", _make_address, lambda id_, _: _forget(ec2._addresses, _allocation(id_)))
    _add("AWS::EC2::NatGateway", _make_nat_gateway, lambda id_, _: _forget(ec2._nat_gateways, id_))
    _add("Custom::VpcRestrictDefaultSG", _close_default_group, lambda *_: None)
    handlers.add_attributes("AWS::EC2::VPC", _vpc_attributes)
    handlers.add_attributes("AWS::EC2::Subnet", _subnet_attributes)
    handlers.add_attributes("AWS::EC2::SecurityGroup", lambda id_: {"Id": id_})


def _add(
    type_: str, make: Callable[[Properties], Resource], delete: Callable[[str, Properties], None]
) -> None:
    """Add a type that depends on its properties alone; every change replaces it."""
    handlers.add(type_, create=lambda _logical_id, props, _stack: make(props), delete=delete)


def _new_id(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(9)[:17]}"


def _forget(store: Any, id_: str) -> None:
    store.pop(id_, None)
    ec2._tags.pop(id_, None)


def _make_rule(direction: str) -> Callable[[Properties], Resource]:
    def make(props: Properties) -> Resource:
        group = ec2._security_groups.get(props["GroupId"])
        if group is None:
            raise ValueError(f"The security group '{props['GroupId']}' does not exist")
        group[direction] += provisioners._ec2_sg_permissions([props])
        id_ = _new_id("sgr")
        return id_, {"Id": id_}

    return make


def _delete_rule(direction: str) -> Callable[[str, Properties], None]:
    def delete(_id: str, props: Properties) -> None:
        group = ec2._security_groups.get(props["GroupId"])
        for rule in provisioners._ec2_sg_permissions([props]):
            if group is not None and rule in group[direction]:
                group[direction].remove(rule)

    return delete


def _make_flow_log(props: Properties) -> Resource:
    id_ = _new_id("fl")
    ec2._flow_logs[id_] = {
        "FlowLogId": id_,
        "ResourceId": props["ResourceId"],
        "ResourceType": props["ResourceType"],
        "TrafficType": props.get("TrafficType", "ALL"),
        "LogDestinationType": props.get("LogDestinationType", "cloud-watch-logs"),
        "LogDestination": props.get("LogDestination") or props.get("LogGroupName", ""),
        "FlowLogStatus": "ACTIVE",
        "CreationTime": ec2._now_ts(),
    }
    provisioners._ec2_apply_tags(id_, props)
    return id_, {"Id": id_}


def _make_address(props: Properties) -> Resource:
    id_ = _new_id("eipalloc")
    address = ec2._random_ip("52.")
    ec2._addresses[id_] = {
        "AllocationId": id_,
        "PublicIp": address,
        "Domain": props.get("Domain", "vpc"),
        **dict.fromkeys(("AssociationId", "InstanceId", "NetworkInterfaceId", "PrivateIpAddress")),
    }
    provisioners._ec2_apply_tags(id_, props)
    return address, {"AllocationId": id_, "PublicIp": address}


def _allocation(address: str) -> str:
    return next((id_ for id_, record in ec2._addresses.items() if record["PublicIp"] == address), "")


def _make_nat_gateway(props: Properties) -> Resource:
    id_ = _new_id("nat")
    subnet = ec2._subnets.get(props["SubnetId"]) or {}
    ec2._nat_gateways[id_] = {
        "NatGatewayId": id_,
        "SubnetId": props["SubnetId"],
        "VpcId": subnet.get("VpcId", ""),
        "AllocationId": props.get("AllocationId", ""),
        "ConnectivityType": props.get("ConnectivityType", "public"),
        "State": "available",
        "CreateTime": ec2._now_ts(),
        "Tags": props.get("Tags", []),
    }
    provisioners._ec2_apply_tags(id_, props)
    return id_, {"NatGatewayId": id_}


def _close_default_group(props: Properties) -> Resource:
    """What CDK's own function does, which needs an SDK client that the emulator has no stand-in for."""
    id_ = props["DefaultSecurityGroupId"]
    group = ec2._security_groups[id_]
    group["IpPermissions"].clear()
    group["IpPermissionsEgress"].clear()
    return id_, {}


def _vpc_attributes(id_: str) -> dict[str, Any]:
    vpc = ec2._vpcs[id_]
    return {
        "CidrBlock": vpc["CidrBlock"],
        "CidrBlockAssociations": [_association(id_)],
        "Ipv6CidrBlocks": [],
    }


def _association(vpc: str) -> str:
    return f"vpc-cidr-assoc-{vpc.removeprefix('vpc-')}"


def _subnet_attributes(id_: str) -> dict[str, Any]:
    subnet = ec2._subnets[id_]
    return {
        "AvailabilityZoneId": subnet["AvailabilityZoneId"],
        "CidrBlock": subnet["CidrBlock"],
        "Ipv6CidrBlocks": [],
        "NetworkAclAssociationId": f"aclassoc-{id_.removeprefix('subnet-')}",
        "OutpostArn": "",
        "VpcId": subnet["VpcId"],
    }
