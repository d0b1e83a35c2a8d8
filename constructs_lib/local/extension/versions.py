"""Published versions, in two things that MiniStack does otherwise.

A version that an alias names cannot be deleted, by a stack neither: CloudFormation leaves it and goes on. And one
that is published while its function is being updated becomes active; there it stays pending forever.
Sources: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html,
https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners


def keep() -> None:
    """Keep what aliases name, and activate what is published."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Version"]
    delete, publish = handlers["delete"], lambda_svc._publish_version

    def delete_unless_named(physical_id: str, props: dict[str, Any]) -> None:
        name, version = lambda_svc._resolve_name_and_qualifier(physical_id)
        aliases = (lambda_svc._functions.get(name) or {}).get("aliases", {}).values()
        if not any(version in _versions(alias) for alias in aliases):
            delete(physical_id, props)

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

    handlers["delete"] = delete_unless_named
    lambda_svc._publish_version = publish_active


def _versions(alias: dict[str, Any]) -> set[str]:
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return {str(alias.get("FunctionVersion")), *map(str, weights)}
