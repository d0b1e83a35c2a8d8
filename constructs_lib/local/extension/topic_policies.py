"""CloudFormation: a topic's own policy lets services of its account in, not everybody.

MiniStack's templates make topics that anybody may publish to, so that no role needs a permission.
Source: https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
"""

import json
from typing import Any

from ministack.services import sns
from ministack.services.cloudformation import provisioners


def close() -> None:
    """Give a new topic the condition that a topic made by the API has."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"]
    create = handlers["create"]

    def created(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        arn, attributes = create(logical_id, props, stack_name)
        of_the_topic = sns._topics[arn]["attributes"]
        policy = json.loads(of_the_topic["Policy"])
        for statement in policy["Statement"]:
            statement["Condition"] = {"StringEquals": {"AWS:SourceOwner": provisioners.get_account_id()}}
        of_the_topic["Policy"] = json.dumps(policy)
        return arn, attributes

    handlers["create"] = created
