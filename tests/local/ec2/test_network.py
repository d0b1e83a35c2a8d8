"""A contract for each part of a VPC that the extension adds: without it, its test fails.

Holds `ec2/network.py`, `cloudformation/handlers.py`, `lambda_/function_properties.py`.
"""

from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

pytestmark = pytest.mark.cloud

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}}
SUBNET = {
    "Type": "AWS::EC2::Subnet",
    "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.7.1.0/24", "AvailabilityZone": "us-east-1b"},
}


def _group(description: str) -> dict[str, Any]:
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "GroupDescription": description,
            "VpcId": {"Ref": "Vpc"},
            "SecurityGroupEgress": [{"IpProtocol": "icmp", "CidrIp": "255.255.255.255/32"}],
        },
    }


def _rule(direction: str, group: str, peer: str, port: int) -> dict[str, Any]:
    side = "Source" if direction == "Ingress" else "Destination"
    return {
        "Type": f"AWS::EC2::SecurityGroup{direction}",
        "Properties": {
            "GroupId": {"Fn::GetAtt": [group, "GroupId"]},
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            f"{side}SecurityGroupId": {"Fn::GetAtt": [peer, "GroupId"]},
        },
    }


def test_rules_next_to_their_group_are_created_changed_and_deleted(cloud: LocalCloud) -> None:
    groups = {"Vpc": VPC, "Proxy": _group("proxy"), "Function": _group("function")}

    def seen() -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
        described = cloud.client("ec2").describe_security_groups(GroupIds=[ids["Proxy"], ids["Function"]])
        by_id = {group["GroupId"]: group for group in described["SecurityGroups"]}
        into = by_id[ids["Proxy"]]["IpPermissions"]
        out = by_id[ids["Function"]]["IpPermissionsEgress"]
        return tuple(  # type: ignore[return-value]
            [
                (rule["FromPort"], pair["GroupId"])
                for rule in rules
                for pair in rule.get("UserIdGroupPairs", [])
            ]
            for rules in (into, out)
        )

    for port in (5432, 5433):
        rules = {
            "In": _rule("Ingress", "Proxy", "Function", port),
            "Out": _rule("Egress", "Function", "Proxy", port),
        }
        ids = stacks.put(cloud, "rules", groups | rules)
        assert seen() == ([(port, ids["Function"])], [(port, ids["Proxy"])])
    stacks.put(cloud, "rules", groups)
    assert seen() == ([], [])


def test_flow_logs_addresses_and_gateways_are_described_as_declared(cloud: LocalCloud) -> None:
    flow_log: dict[str, Any] = {
        "ResourceId": {"Ref": "Vpc"},
        "ResourceType": "VPC",
        "TrafficType": "REJECT",
        "LogGroupName": "flows",
    }
    resources = {
        "Vpc": VPC,
        "Subnet": SUBNET,
        "FlowLog": {"Type": "AWS::EC2::FlowLog", "Properties": flow_log},
        "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
        "Gateway": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {
                "SubnetId": {"Ref": "Subnet"},
                "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]},
            },
        },
    }
    ids = stacks.put(cloud, "nat", resources)
    ec2 = cloud.client("ec2")
    [read] = ec2.describe_flow_logs(FlowLogIds=[ids["FlowLog"]])["FlowLogs"]
    assert (read["ResourceId"], read["TrafficType"], read["LogDestination"]) == (
        ids["Vpc"],
        "REJECT",
        "flows",
    )
    [address] = ec2.describe_addresses(PublicIps=[ids["Address"]])["Addresses"]
    [gateway] = ec2.describe_nat_gateways(NatGatewayIds=[ids["Gateway"]])["NatGateways"]
    assert (gateway["SubnetId"], gateway["VpcId"]) == (ids["Subnet"], ids["Vpc"])
    flow_log["TrafficType"] = "ALL"
    ids = stacks.put(cloud, "nat", resources)
    [read] = ec2.describe_flow_logs(FlowLogIds=[ids["FlowLog"]])["FlowLogs"]
    assert read["TrafficType"] == "ALL"
    stacks.remove(cloud, "nat")
    assert ec2.describe_flow_logs(FlowLogIds=[ids["FlowLog"]])["FlowLogs"] == []
    assert address["PublicIp"] not in [each["PublicIp"] for each in ec2.describe_addresses()["Addresses"]]
    assert ec2.describe_nat_gateways(NatGatewayIds=[ids["Gateway"]])["NatGateways"] == []


def test_a_vpc_and_its_parts_have_the_attributes_that_templates_ask_for(cloud: LocalCloud) -> None:
    resources = {"Vpc": VPC, "Subnet": SUBNET, "Group": _group("any")}
    read = stacks.attributes(
        cloud, "attributes", resources, "Vpc", "Vpc.VpcId", "Vpc.CidrBlock", "Vpc.DefaultSecurityGroup",
        "Subnet.AvailabilityZone", "Subnet.AvailabilityZoneId", "Subnet.CidrBlock", "Subnet.VpcId",
        "Subnet.NetworkAclAssociationId", "Group.GroupId", "Group.VpcId", "Group.Id",
    )  # fmt: skip
    assert read["Vpc.CidrBlock"] == "10.7.0.0/16"
    assert read["Subnet.CidrBlock"] == "10.7.1.0/24"
    assert read["Subnet.AvailabilityZone"] == "us-east-1b"
    assert read["Vpc"] == read["Vpc.VpcId"] == read["Subnet.VpcId"] == read["Group.VpcId"]
    assert read["Vpc.DefaultSecurityGroup"].startswith("sg-")
    assert read["Group.GroupId"] == read["Group.Id"]
    assert all(read.values())


def test_the_default_group_is_closed_where_cdk_asks_for_it(cloud: LocalCloud) -> None:
    close = {
        "Type": "Custom::VpcRestrictDefaultSG",
        "Properties": {
            "ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:not-called",
            "DefaultSecurityGroupId": {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]},
            "Account": {"Ref": "AWS::AccountId"},
        },
    }
    ids = stacks.put(cloud, "closed", {"Vpc": VPC, "Close": close})
    described = cloud.client("ec2").describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [ids["Vpc"]]}, {"Name": "group-name", "Values": ["default"]}]
    )
    [group] = described["SecurityGroups"]
    assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])


def test_a_functions_place_in_a_vpc_is_kept(cloud: LocalCloud) -> None:
    base = {"Vpc": VPC, "Subnet": SUBNET, "Group": _group("function")}
    inside = {
        "SubnetIds": [{"Ref": "Subnet"}],
        "SecurityGroupIds": [{"Fn::GetAtt": ["Group", "GroupId"]}],
    }
    idle = "def handler(event, context):\n    return 'idle'\n"
    for config in (inside, None, inside):
        placed = {} if config is None else {"VpcConfig": config}
        ids = stacks.put(cloud, "inside", {**base, "Function": stacks.function(idle, **placed)})
        function = cloud.client("lambda").get_function_configuration(FunctionName=ids["Function"])
        read = function.get("VpcConfig", {})
        assert read.get("SubnetIds", []) == ([ids["Subnet"]] if config else [])
        assert read.get("SecurityGroupIds", []) == ([ids["Group"]] if config else [])
        assert read.get("VpcId", "") == (ids["Vpc"] if config else "")
