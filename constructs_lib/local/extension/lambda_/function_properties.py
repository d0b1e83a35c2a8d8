"""CloudFormation: properties of a function that MiniStack honours or describes, and does not read from a template.

Reserved concurrency, the VPC, the dead-letter queue, the durable configuration and the choice on loops; at creation and
at update.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from ministack.services import lambda_svc

from ..cloudformation import handlers
from ..cloudformation.handlers import Properties

_RESERVED = "ReservedConcurrentExecutions"


def install() -> None:
    """Hand them on."""
    handlers.after("AWS::Lambda::Function", _apply)


def _apply(name: str, props: Properties, old: Properties | None) -> None:
    function = lambda_svc._functions[name]
    reserved = props.get(_RESERVED)
    # What was set past the template stays until the template's own number changes.
    if old is None or old.get(_RESERVED) != reserved:
        function["concurrency"] = None if reserved is None else int(reserved)
    config = function["config"]
    function["recursive_loop"] = props.get("RecursiveLoop", "Terminate")
    config["VpcConfig"] = lambda_svc._vpc_config_with_id(props.get("VpcConfig"))
    for name_of_property in ("DeadLetterConfig", "DurableConfig"):
        if props.get(name_of_property):
            config[name_of_property] = dict(props[name_of_property])
        else:
            config.pop(name_of_property, None)
