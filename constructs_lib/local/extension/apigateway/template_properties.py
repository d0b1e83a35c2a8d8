"""CloudFormation: what MiniStack can do for a REST API and does not read from a template.

Request validators (it makes up an id and checks nothing), the access log of a stage, an API's own address off.
Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-requestvalidator.html
and https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-stage.html
"""

import json

from ministack.services import apigateway_v1
from ministack.services.cloudformation.provisioners import _cfn_bool

from ..cloudformation import handlers
from ..cloudformation.handlers import Properties, Resource


def install() -> None:
    """Hand on what a template says, at creation and at update."""
    handlers.add(
        "AWS::ApiGateway::RequestValidator",
        create=_create_validator,
        update=_update_validator,
        delete=_delete_validator,
        replaced_by=("RestApiId", "Name"),
    )
    handlers.after("AWS::ApiGateway::Method", _name_validator)
    handlers.after("AWS::ApiGateway::RestApi", _close_endpoint)
    handlers.after("AWS::ApiGateway::Stage", _keep_access_log)


def _create_validator(_logical_id: str, props: Properties, _stack: str) -> Resource:
    settings = {
        "name": props.get("Name", ""),
        "validateRequestBody": _cfn_bool(props.get("ValidateRequestBody", False)),
        "validateRequestParameters": _cfn_bool(props.get("ValidateRequestParameters", False)),
    }
    status, _, body = apigateway_v1._create_request_validator(props["RestApiId"], settings)
    if status >= 400:
        raise ValueError(f"AWS::ApiGateway::RequestValidator: {json.loads(body).get('message')}")
    id_ = json.loads(body)["id"]
    return id_, {"RequestValidatorId": id_}


def _update_validator(physical_id: str, _old: Properties, new: Properties, stack: str) -> Resource:
    """Put a new one under the old id."""
    new_id, _ = _create_validator(physical_id, new, stack)
    validators = apigateway_v1._request_validators[new["RestApiId"]]
    validators[physical_id] = validators.pop(new_id) | {"id": physical_id}
    return physical_id, {"RequestValidatorId": physical_id}


def _delete_validator(physical_id: str, props: Properties) -> None:
    apigateway_v1._delete_request_validator(props["RestApiId"], physical_id)


def _name_validator(_id: str, props: Properties, _old: Properties | None) -> None:
    resource = apigateway_v1._resources[props["RestApiId"]][props["ResourceId"]]
    resource["resourceMethods"][props["HttpMethod"]]["requestValidatorId"] = props.get("RequestValidatorId")


def _keep_access_log(_id: str, props: Properties, _old: Properties | None) -> None:
    setting = props.get("AccessLogSetting") or {}
    stage = apigateway_v1._stages_v1[props["RestApiId"]][props["StageName"]]
    stage["accessLogSettings"] = (
        {"destinationArn": setting["DestinationArn"], "format": setting.get("Format", "")} if setting else {}
    )


def _close_endpoint(api_id: str, props: Properties, _old: Properties | None) -> None:
    closed = _cfn_bool(props.get("DisableExecuteApiEndpoint", False))
    apigateway_v1._rest_apis[api_id]["disableExecuteApiEndpoint"] = closed
