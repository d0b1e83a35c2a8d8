"""CloudFormation: which firewall guards which API, kept where MiniStack's own WAF API reads it. It filters nothing.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-wafv2-webaclassociation.html
"""

import json

from ministack.services import waf

from ..cloudformation import handlers
from ..cloudformation.handlers import Properties, Resource


def install() -> None:
    """Add AWS::WAFv2::WebACLAssociation; every change of it replaces it."""
    handlers.add("AWS::WAFv2::WebACLAssociation", create=_create, delete=_delete)


def _create(_logical_id: str, props: Properties, _stack: str) -> Resource:
    status, _, body = waf._associate_web_acl(props)
    if status >= 400:
        raise ValueError(f"AWS::WAFv2::WebACLAssociation: {json.loads(body).get('message')}")
    return f"{props['WebACLArn']}|{props['ResourceArn']}", {}


def _delete(_physical_id: str, props: Properties) -> None:
    # Not when another firewall has taken its place, as a replacement does.
    if waf._associations.get(props["ResourceArn"]) == props["WebACLArn"]:
        waf._disassociate_web_acl(props)
