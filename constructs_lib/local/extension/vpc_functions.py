"""CloudFormation: a function's VpcConfig, which MiniStack describes but does not read from a template.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-vpcconfig.html
"""

from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners


def keep_vpc_config() -> None:
    """Hand VpcConfig on, at creation and at update."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update = handlers["create"], handlers["update"]

    def created(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        result = create(logical_id, props, stack_name)
        _apply(result[0], props)
        return result

    def updated(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        result = update(physical_id, old, new, *rest)
        _apply(result[0], new)
        return result

    handlers["create"], handlers["update"] = created, updated


def _apply(name: str, props: dict[str, Any]) -> None:
    config = lambda_svc._functions[name]["config"]
    config["VpcConfig"] = lambda_svc._vpc_config_with_id(props.get("VpcConfig"))
