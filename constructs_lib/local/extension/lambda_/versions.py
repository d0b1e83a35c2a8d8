"""Published versions, in two things that MiniStack does otherwise.

A version that an alias names cannot be deleted, by a stack neither: CloudFormation leaves it and goes on. And one
that is published while its function is being updated becomes active; there it stays pending forever.
Sources: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html,
https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

from typing import Any

from ministack.services import lambda_svc

from ..cloudformation import handlers
from ..cloudformation.handlers import Delete, Properties


def install() -> None:
    """Keep what aliases name, and activate what is published."""
    handlers.wrap("AWS::Lambda::Version", delete=_unless_named)
    publish = lambda_svc._publish_version

    def publish_active(name: str, data: dict[str, Any]) -> Any:
        answer = publish(name, data)
        for record in (lambda_svc._functions.get(name) or {}).get("versions", {}).values():
            config = record["config"]
            snapshot = (config.get("SnapStart") or {}).get("OptimizationStatus") == "On"
            if config.get("LastUpdateStatus") == "InProgress" and not snapshot:
                config |= {"State": "Active", "LastUpdateStatus": "Successful"}
                for reason in ("StateReason", "StateReasonCode"):
                    config.pop(reason, None)
        return answer

    lambda_svc._publish_version = publish_active


def _unless_named(delete: Delete) -> Delete:
    def delete_unless_named(physical_id: str, props: Properties) -> None:
        name, version = lambda_svc._resolve_name_and_qualifier(physical_id)
        aliases = (lambda_svc._functions.get(name) or {}).get("aliases", {}).values()
        if not any(version in _versions(alias) for alias in aliases):
            delete(physical_id, props)

    return delete_unless_named


def _versions(alias: dict[str, Any]) -> set[str]:
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return {str(alias.get("FunctionVersion")), *map(str, weights)}
