"""CloudFormation: which firewall guards which API, kept where MiniStack's own WAF API reads it. It filters nothing.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-wafv2-webaclassociation.html
"""

import json
from typing import Any

from ministack.services import waf
from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]


def accept_association() -> None:
    """Add AWS::WAFv2::WebACLAssociation; every change of it replaces it."""
    provisioners._RESOURCE_HANDLERS["AWS::WAFv2::WebACLAssociation"] = {"create": _create, "delete": _delete}


def _create(_logical_id: str, props: Properties, _stack_name: str) -> tuple[str, dict[str, Any]]:
    status, _, body = waf._associate_web_acl(props)
    if status >= 400:
        raise ValueError(f"AWS::WAFv2::WebACLAssociation: {json.loads(body).get('message')}")
    return f"{props['WebACLArn']}|{props['ResourceArn']}", {}


def _delete(_physical_id: str, props: Properties) -> None:
    # Not when another firewall has taken its place, as a replacement does.
    if waf._associations.get(props["ResourceArn"]) == props["WebACLArn"]:
        waf._disassociate_web_acl(props)
