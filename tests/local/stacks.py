"""Raw templates through the emulator's own CloudFormation: the patches are held without the CDK's seconds."""

import json
import time
from typing import Any

from constructs_lib.local import LocalCloud

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


def put(cloud: LocalCloud, name: str, resources: dict[str, Any]) -> dict[str, str]:
    """Create or update a stack and wait for it.

    Returns:
        The physical ids, by logical id.
    """
    cloudformation = cloud.client("cloudformation")
    body = json.dumps({"Resources": resources})
    known = {stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]}
    act = cloudformation.update_stack if name in known else cloudformation.create_stack
    act(StackName=name, TemplateBody=body)
    give_up = time.monotonic() + 20
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            break
        assert time.monotonic() < give_up, stack
        time.sleep(0.05)
    assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack
    described = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in described}
