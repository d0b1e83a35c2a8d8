"""Event source mappings: every property, from a template and from the API, and what Lambda checks of a stream first.

MiniStack forgets some properties, keeps those that an update leaves out, and stays at the former alias when a template
names another one. A role that may not read the stream is refused, where IAM is enforced.
Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html,
https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
"""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from ..cloudformation import handlers
from ..cloudformation.handlers import Create, Properties, Resource
from . import stream_access, stream_poller, streams

_TYPE = "AWS::Lambda::EventSourceMapping"
_NUMBERS = (
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "TumblingWindowInSeconds",
)
_OTHERS = (
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "FilterCriteria",
    "FunctionResponseTypes",
    "KmsKeyArn",
    "MetricsConfig",
    "ScalingConfig",
)
_DEFAULTS = {"MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []}
_OF_A_STREAM = {
    "BatchSize": stream_poller.BATCH_SIZE,
    "BisectBatchOnFunctionError": False,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
_OF_A_QUEUE = {"BatchSize": 10}


def install() -> None:
    """Take each property into account, and let a mapping begin and end to read."""
    stream_name = lambda_svc._kinesis_stream_name_from_arn_spec
    lambda_svc._kinesis_stream_name_from_arn_spec = lambda spec: stream_name(_of_its_stream(spec))
    release = lambda_svc._release_esm_poll_state

    def release_and_forget(mapping_id: str) -> None:
        stream_poller.forget(mapping_id)
        release(mapping_id)

    lambda_svc._release_esm_poll_state = release_and_forget
    _change_api()
    handlers.wrap(_TYPE, create=_checked)
    handlers.after(_TYPE, _apply_template)


def _of_its_stream(spec: Any) -> Any:
    """The parsed ARN of a consumer's stream; any other one as it is."""
    if spec.service == "kinesis" and "/consumer/" in spec.resource:
        return replace(spec, resource=streams.stream_of(spec.resource))
    return spec


def _refusal(props: Properties) -> str | None:
    """Why Lambda refuses a mapping, as far as a stream is concerned."""
    arn = str(props.get("EventSourceArn"))
    if not streams.is_stream(arn):
        return None
    if arn.split(":")[2] == "dynamodb" and props.get("StartingPosition") == "AT_TIMESTAMP":
        return "Unsupported starting position for arn type: AT_TIMESTAMP"
    _, config, _ = lambda_svc._get_func_record_for_ref(props.get("FunctionName"))
    if config and not stream_access.is_allowed(arn, config["Role"]):
        return stream_access.refusal(arn)
    return None


def _apply(mapping: dict[str, Any], props: Properties) -> None:
    """Set all properties of a mapping to what is declared."""
    stream = streams.is_stream(mapping["EventSourceArn"])
    for name in (*_NUMBERS, *_OTHERS):
        mapping.pop(name, None)
        if props.get(name) is not None:
            mapping[name] = int(props[name]) if name in _NUMBERS else props[name]
    for name, value in (_DEFAULTS | (_OF_A_STREAM if stream else _OF_A_QUEUE)).items():
        mapping.setdefault(name, value)


# --- from a template -------------------------------------------------------------------------------------


def _checked(create: Create) -> Create:
    def create_if_allowed(logical_id: str, props: Properties, stack: str) -> Resource:
        refusal = _refusal(props)
        if refusal is not None:
            raise ValueError(refusal)
        return create(logical_id, props, stack)

    return create_if_allowed


def _apply_template(mapping_id: str, props: Properties, old: Properties | None) -> None:
    mapping = lambda_svc._esms[mapping_id]
    _apply(mapping, props)
    func, name, arn, qualifier = provisioners._lambda_function_for_cfn_ref(props["FunctionName"])
    if func:
        mapping |= {"FunctionName": name, "FunctionArn": arn, "Qualifier": qualifier}
    enabled = str(props.get("Enabled", True)).lower() == "true"
    mapping |= {"Enabled": enabled, "State": "Enabled" if enabled else "Disabled"}
    if old is None:
        _begin(mapping, props)


def _begin(mapping: dict[str, Any], props: Properties) -> None:
    if not streams.is_stream(mapping["EventSourceArn"]):
        return
    when = props.get("StartingPositionTimestamp")
    if when is not None:
        mapping["StartingPositionTimestamp"] = _seconds(when)
    stream_poller.begin(mapping)
    lambda_svc._esm_wake.set()


def _seconds(when: float | str) -> float:
    try:
        return float(when)
    except ValueError:
        return datetime.fromisoformat(str(when)).timestamp()


# --- from the API ----------------------------------------------------------------------------------------


def _change_api() -> None:
    create, update = lambda_svc._create_esm, lambda_svc._update_esm

    def create_mapping(data: dict[str, Any]) -> Any:
        refusal = _refusal(data)
        if refusal is not None:
            return lambda_svc._invalid_parameter_value(refusal)
        answer = create(data)
        if answer[0] >= 400:
            return answer
        mapping = lambda_svc._esms[json.loads(answer[2])["UUID"]]
        _apply(mapping, data)
        _begin(mapping, data)
        return answer[0], answer[1], _body(mapping)

    def update_mapping(mapping_id: str, data: dict[str, Any]) -> Any:
        answer = update(mapping_id, data)
        mapping = lambda_svc._esms.get(mapping_id)
        if mapping is None or answer[0] >= 400:
            return answer
        _apply(mapping, mapping | data)
        lambda_svc._esm_wake.set()
        return answer[0], answer[1], _body(mapping)

    lambda_svc._create_esm = create_mapping
    lambda_svc._update_esm = update_mapping


def _body(mapping: dict[str, Any]) -> Any:
    return lambda_svc.json_response(lambda_svc._esm_response(mapping))[2]
