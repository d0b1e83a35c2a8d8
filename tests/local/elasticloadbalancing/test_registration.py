"""The targets of a target group in a template: registered, with the permission alone, and one function."""

from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from constructs_lib.local.http_calls import call
from tests.local import stacks

pytestmark = pytest.mark.cloud

CODE = """
import json

def handler(event, context):
    body = json.dumps(event)
    return {"statusCode": 200, "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]}, "body": body}
"""


def resources(permission: dict[str, Any] | None, *, name: str = "raw") -> dict[str, Any]:
    """A load balancer in front of an alias."""
    group: dict[str, Any] = {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {
            "Name": name,
            "TargetType": "lambda",
            "Targets": [{"Id": {"Ref": "Live"}}],
            "TargetGroupAttributes": [{"Key": "lambda.multi_value_headers.enabled", "Value": "true"}],
        },
    }
    made = {
        "Function": stacks.function(CODE),
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "Name": "live",
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
            },
        },
        "Group": group,
        "Balancer": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Name": name}},
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 443,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}],
            },
        },
    }
    if permission is not None:
        made["Permission"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "Principal": "elasticloadbalancing.amazonaws.com",
                **permission,
            },
        }
        group["DependsOn"] = "Permission"
    return made


GROUPS = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup"


@pytest.mark.parametrize(
    "permission",
    [
        None,
        {"FunctionName": {"Ref": "Function"}},
        {"FunctionName": {"Ref": "Live"}, "SourceArn": f"{GROUPS}/other/*"},
        {"FunctionName": {"Ref": "Live"}, "SourceAccount": "210987654321"},
    ],
    ids=["none", "on the function", "for another target group", "for another account"],
)
def test_without_the_permission_the_deployment_fails(
    cloud: LocalCloud, permission: dict[str, Any] | None
) -> None:
    with pytest.raises(AssertionError, match="principal does not have permission to invoke"):
        stacks.put(cloud, f"refused-{id(permission)}", resources(permission, name="refused"))


def allowed(name: str) -> dict[str, Any]:
    return {"FunctionName": {"Ref": "Live"}, "SourceArn": f"{GROUPS}/{name}/*", "SourceAccount": "0" * 12}


def test_the_pattern_of_a_name_is_enough(cloud: LocalCloud) -> None:
    stacks.put(cloud, "named", resources(allowed("named"), name="named"))
    assert call(f"{cloud.endpoint}/_alb/named/").status == 200


def test_a_second_function_is_refused(cloud: LocalCloud) -> None:
    two = resources(allowed("two"), name="two")
    two["Group"]["Properties"]["Targets"].append({"Id": {"Ref": "Live"}})
    with pytest.raises(AssertionError, match="one Lambda function per target group"):
        stacks.put(cloud, "two", two)


def test_an_update_registers_another_function(cloud: LocalCloud) -> None:
    made = resources(allowed("changing"), name="changing")
    stacks.put(cloud, "changing", made)
    made["Other"] = stacks.function(CODE.replace("json.dumps(event)", "'the other'"))
    made["OtherPermission"] = {
        "Type": "AWS::Lambda::Permission",
        "Properties": made["Permission"]["Properties"] | {"FunctionName": {"Ref": "Other"}},
    }
    made["Group"]["Properties"]["Targets"] = [{"Id": {"Fn::GetAtt": ["Other", "Arn"]}}]
    made["Group"]["DependsOn"] = ["Permission", "OtherPermission"]
    stacks.put(cloud, "changing", made)
    assert call(f"{cloud.endpoint}/_alb/changing/").body == b"the other"
