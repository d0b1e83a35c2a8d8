"""CloudFormation: a parameter without a name gets one without slashes, as AWS generates it.

MiniStack's begins with a slash, so that it is not the parameter of the ARN that CDK puts together, and a role that may
read that ARN is refused.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-parameter.html (`Ref`)
"""

import secrets

from ..cloudformation import handlers
from ..cloudformation.handlers import Create, Properties, Resource


def install() -> None:
    """Generate names where a template has none."""
    handlers.wrap("AWS::SSM::Parameter", create=_named)


def _named(create: Create) -> Create:
    def create_named(logical_id: str, props: Properties, stack: str) -> Resource:
        name = props.get("Name") or f"CFN-{logical_id}-{secrets.token_hex(6).upper()}"
        return create(logical_id, {**props, "Name": name}, stack)

    return create_named
