"""Raw templates through the emulator's own CloudFormation: the patches are held without the CDK's seconds."""

import json
import time
from typing import Any

from constructs_lib.local import LocalCloud

STUCK_SECONDS = 900
"""Whatever takes longer than this will never end, on a slow machine neither."""
ROLE = "arn:aws:iam::000000000000:role/any"


def function(code: str, **properties: object) -> dict[str, Any]:
    """A function of inline code, as a template declares it."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"ZipFile": code},
            "Handler": "index.handler",
            "Role": ROLE,
            "Runtime": "python3.13",
            "Timeout": 10,
            **properties,
        },
    }


def put(cloud: LocalCloud, name: str, resources: dict[str, Any], **sections: Any) -> dict[str, str]:
    """Create or update a stack and wait for it.

    Returns:
        The physical ids, by logical id.
    """
    cloudformation = cloud.client("cloudformation")
    body = json.dumps({"Resources": resources, **sections})
    known = {stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]}
    act = cloudformation.update_stack if name in known else cloudformation.create_stack
    act(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
    stack = _settled(cloud, name)
    failed = [
        event.get("ResourceStatusReason")
        for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        if event["ResourceStatus"].endswith("_FAILED")
    ]
    assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), failed
    described = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in described}


def attributes(cloud: LocalCloud, name: str, resources: dict[str, Any], *wanted: str) -> dict[str, str]:
    """Create or update a stack, and read attributes of its resources.

    Args:
        cloud: Where.
        name: The stack's.
        resources: As for `put`.
        wanted: `LogicalId.Attribute`, or `LogicalId` for its reference.

    Returns:
        Their values.
    """
    outputs = {
        f"Output{number}": {"Value": {"Fn::GetAtt": [*each.split(".", 1)]} if "." in each else {"Ref": each}}
        for number, each in enumerate(wanted)
    }
    put(cloud, name, resources, Outputs=outputs)
    stack = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    values = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return {each: values[f"Output{number}"] for number, each in enumerate(wanted)}


def remove(cloud: LocalCloud, name: str) -> None:
    """Delete a stack and wait until it is gone."""
    cloudformation = cloud.client("cloudformation")
    id_ = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=name)
    stack = _settled(cloud, id_)
    assert stack["StackStatus"] == "DELETE_COMPLETE", stack


def _settled(cloud: LocalCloud, name: str) -> dict[str, Any]:
    give_up = time.monotonic() + STUCK_SECONDS
    while True:
        stack: dict[str, Any] = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        assert time.monotonic() < give_up, stack
        time.sleep(0.05)
