"""CloudFormation registers the targets of a target group, and a function only with the permission to invoke it.

MiniStack leaves the targets of a template out.
Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

from ministack.services import alb

from ..cloudformation import handlers
from ..cloudformation.handlers import Properties
from ..lambda_ import resource_policy

SERVICE = "elasticloadbalancing.amazonaws.com"


def install() -> None:
    """Register the targets after each creation and update."""
    handlers.after("AWS::ElasticLoadBalancingV2::TargetGroup", _register)


def _register(arn: str, props: Properties, old: Properties | None) -> None:
    targets = props.get("Targets") or []
    if props.get("TargetType") == "lambda":
        if len(targets) > 1:
            raise ValueError("You can register one Lambda function per target group")
        for target in targets:
            if not resource_policy.allows(target["Id"], SERVICE, arn):
                raise ValueError(
                    f"elasticloadbalancing principal does not have permission to invoke {target['Id']} from target "
                    f"group {arn}"
                )
    before = [target["Id"] for target in (old or {}).get("Targets") or []]
    alb.set_targets_for_group(arn, [(each["Id"], each.get("Port")) for each in targets], before)
