"""CloudFormation: a topic's own policy lets services of its account in, not everybody.

MiniStack's templates make topics that anybody may publish to, so that no role needs a permission.
Source: https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
"""

import json

from ministack.core.responses import get_account_id
from ministack.services import sns

from ..cloudformation import handlers
from ..cloudformation.handlers import Properties


def install() -> None:
    """Give a new topic the condition that a topic made by the API has."""
    handlers.after("AWS::SNS::Topic", _restrict)


def _restrict(arn: str, _props: Properties, old: Properties | None) -> None:
    if old is not None:  # the policy may be another resource's by now
        return
    attributes = sns._topics[arn]["attributes"]
    policy = json.loads(attributes["Policy"])
    for statement in policy["Statement"]:
        statement["Condition"] = {"StringEquals": {"AWS:SourceOwner": get_account_id()}}
    attributes["Policy"] = json.dumps(policy)
