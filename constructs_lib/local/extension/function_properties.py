"""CloudFormation: a function's dead-letter queue and its choice on loops, which MiniStack does not read.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners


def keep() -> None:
    """Hand DeadLetterConfig and RecursiveLoop on, at creation and at update."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update = handlers["create"], handlers["update"]

    def created(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        result = create(logical_id, props, stack_name)
        _apply(result[0], props)
        return result

    def updated(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **more: Any) -> Any:
        result = update(physical_id, old, new, *rest, **more)
        _apply(result[0] if isinstance(result, tuple) else physical_id, new)
        return result

    handlers["create"], handlers["update"] = created, updated


def _apply(name: str, props: dict[str, Any]) -> None:
    function = lambda_svc._functions[name]
    function["recursive_loop"] = props.get("RecursiveLoop", "Terminate")
    if props.get("DeadLetterConfig"):
        function["config"]["DeadLetterConfig"] = dict(props["DeadLetterConfig"])
    else:
        function["config"].pop("DeadLetterConfig", None)
