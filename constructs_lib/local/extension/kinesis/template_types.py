"""CloudFormation: a stream's consumer and the policy of a stream or consumer, which MiniStack has in its API alone.

Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesis-streamconsumer.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesis-resourcepolicy.html
"""

import json
from typing import Any

from ministack.services import kinesis

from ..cloudformation import handlers
from ..cloudformation.handlers import Properties, Resource


def install() -> None:
    """Add the types."""
    handlers.add("AWS::Kinesis::StreamConsumer", create=_create_consumer, delete=_delete_consumer)
    handlers.add(
        "AWS::Kinesis::ResourcePolicy",
        create=_put_policy,
        update=lambda _physical_id, _old, new, stack, *_: _put_policy("", new, stack),
        delete=_delete_policy,
        replaced_by=("ResourceArn",),
    )


def _create_consumer(_logical_id: str, props: Properties, _stack: str) -> Resource:
    consumer = _call(kinesis._register_consumer, props)["Consumer"]
    attributes = {
        "ConsumerARN": consumer["ConsumerARN"],
        "ConsumerCreationTimestamp": str(consumer["ConsumerCreationTimestamp"]),
        "ConsumerName": consumer["ConsumerName"],
        "ConsumerStatus": consumer["ConsumerStatus"],
        "StreamARN": props["StreamARN"],
    }
    return consumer["ConsumerARN"], attributes


def _delete_consumer(physical_id: str, _props: Properties) -> None:
    kinesis._deregister_consumer({"ConsumerARN": physical_id})


def _put_policy(_logical_id: str, props: Properties, _stack: str) -> Resource:
    arn, policy = props["ResourceArn"], props["ResourcePolicy"]
    text = policy if isinstance(policy, str) else json.dumps(policy)
    _call(kinesis._put_resource_policy, {"ResourceARN": arn, "Policy": text})
    return arn, {}


def _delete_policy(physical_id: str, _props: Properties) -> None:
    kinesis._delete_resource_policy({"ResourceARN": physical_id})


def _call(operation: Any, request: dict[str, Any]) -> Any:
    status, _, body = operation(request)
    if status >= 400:
        raise ValueError(body.decode())
    return json.loads(body)
