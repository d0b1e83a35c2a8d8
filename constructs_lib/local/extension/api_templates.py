"""CloudFormation: what MiniStack can do for a REST API and does not read from a template.

Request validators (it makes up an id and checks nothing), the access log of a stage, an API's own address off.
Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-requestvalidator.html
and https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-stage.html
"""

import json
from typing import Any

from ministack.services import apigateway_v1
from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]
Made = tuple[str, dict[str, Any]]


def read_more() -> None:
    """Hand on what a template says, at creation and at update."""
    provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RequestValidator"] = {
        "create": _create_validator,
        "update": _update_validator,
        "delete": _delete_validator,
    }
    _after("AWS::ApiGateway::Method", _name_validator)
    _after("AWS::ApiGateway::RestApi", _close_endpoint)
    _after("AWS::ApiGateway::Stage", _keep_access_log)


def _after(type_: str, do: Any) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[type_]
    create, update = handlers["create"], handlers["update"]

    def created(logical_id: str, props: Properties, stack_name: str) -> Any:
        result = create(logical_id, props, stack_name)
        do(result[0], props)
        return result

    def updated(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Any:
        result = update(physical_id, old, new, *rest)
        do(result[0], new)
        return result

    handlers["create"], handlers["update"] = created, updated


def _create_validator(_logical_id: str, props: Properties, _stack_name: str) -> Made:
    given = {
        "name": props.get("Name", ""),
        "validateRequestBody": provisioners._cfn_bool(props.get("ValidateRequestBody", False)),
        "validateRequestParameters": provisioners._cfn_bool(props.get("ValidateRequestParameters", False)),
    }
    status, _, body = apigateway_v1._create_request_validator(props["RestApiId"], given)
    if status >= 400:
        raise ValueError(f"AWS::ApiGateway::RequestValidator: {json.loads(body).get('message')}")
    id_ = json.loads(body)["id"]
    return id_, {"RequestValidatorId": id_}


def _update_validator(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Made:
    made = _create_validator(physical_id, new, stack_name)
    if any(old.get(name) != new.get(name) for name in ("RestApiId", "Name")):
        provisioners._delete_predecessor(_delete_validator, physical_id, old)
        return made
    # In place: the new one under the old id.
    validators = apigateway_v1._request_validators[new["RestApiId"]]
    validators[physical_id] = validators.pop(made[0]) | {"id": physical_id}
    return physical_id, {"RequestValidatorId": physical_id}


def _delete_validator(physical_id: str, props: Properties) -> None:
    apigateway_v1._delete_request_validator(props["RestApiId"], physical_id)


def _name_validator(_id: str, props: Properties) -> None:
    resource = apigateway_v1._resources[props["RestApiId"]][props["ResourceId"]]
    resource["resourceMethods"][props["HttpMethod"]]["requestValidatorId"] = props.get("RequestValidatorId")


def _keep_access_log(_id: str, props: Properties) -> None:
    given = props.get("AccessLogSetting") or {}
    stage = apigateway_v1._stages_v1[props["RestApiId"]][props["StageName"]]
    stage["accessLogSettings"] = (
        {"destinationArn": given["DestinationArn"], "format": given.get("Format", "")} if given else {}
    )


def _close_endpoint(api_id: str, props: Properties) -> None:
    closed = provisioners._cfn_bool(props.get("DisableExecuteApiEndpoint", False))
    apigateway_v1._rest_apis[api_id]["disableExecuteApiEndpoint"] = closed
