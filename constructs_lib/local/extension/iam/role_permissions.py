"""What a role may do, where a service acts in its name: Lambda for a function, the scheduler for a schedule.

MiniStack evaluates policies for whoever signs a request; nobody signs what a service does by itself.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from ministack import app as gateway
from ministack.core import iam_evaluator
from ministack.services import iam


def allows(role_arn: str, action: str, resource: str, *, region: str) -> bool:
    """Whether a role's own policies, with those of the resource, let it do something.

    Args:
        role_arn: The role.
        action: Such as `sqs:SendMessage`.
        resource: The resource's ARN.
        region: Where.

    Returns:
        True too where IAM is not enforced.
    """
    if not gateway.AUTH:
        return True
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    asked = iam_evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
        secure_transport=True,
    )
    result = iam_evaluator.evaluate(asked, iam_evaluator._gather_role_policies(name, account), *limits)
    service = action.partition(":")[0]
    found = iam_evaluator._resource_policy(service, resource)
    if found is not None:
        required = service in iam_evaluator._POLICY_REQUIRED
        result = iam_evaluator.combine_resource_policy(
            result, asked, *found, required=required, limits=tuple(limits)
        )
    return bool(result.decision == "Allow")
