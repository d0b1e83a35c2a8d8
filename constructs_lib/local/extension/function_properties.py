"""CloudFormation: properties of a function that MiniStack honours or describes, and does not read from a template.

Reserved concurrency, the VPC, the dead-letter queue and the choice on loops; at creation and at update.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

_RESERVED = "ReservedConcurrentExecutions"


def keep() -> None:
    """Hand them on."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update = handlers["create"], handlers["update"]

    def created(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        result = create(logical_id, props, stack_name)
        _apply(result[0], props)
        _reserve(result[0], props)
        return result

    def updated(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **more: Any) -> Any:
        result = update(physical_id, old, new, *rest, **more)
        name = result[0] if isinstance(result, tuple) else physical_id
        _apply(name, new)
        # What was set past the template stays until the template's own number changes.
        if name != physical_id or old.get(_RESERVED) != new.get(_RESERVED):
            _reserve(name, new)
        return result

    handlers["create"], handlers["update"] = created, updated


def _reserve(name: str, props: dict[str, Any]) -> None:
    reserved = props.get(_RESERVED)
    lambda_svc._functions[name]["concurrency"] = None if reserved is None else int(reserved)


def _apply(name: str, props: dict[str, Any]) -> None:
    function = lambda_svc._functions[name]
    config = function["config"]
    function["recursive_loop"] = props.get("RecursiveLoop", "Terminate")
    config["VpcConfig"] = lambda_svc._vpc_config_with_id(props.get("VpcConfig"))
    if props.get("DeadLetterConfig"):
        config["DeadLetterConfig"] = dict(props["DeadLetterConfig"])
    else:
        config.pop("DeadLetterConfig", None)
