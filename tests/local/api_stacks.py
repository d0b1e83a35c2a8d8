"""Raw templates of APIs in front of a function, by the ARN that they call it by."""

from typing import Any

_INVOKE = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"


def permission(function: str, *, api: str, logical_id: str = "Permission") -> dict[str, Any]:
    """Lets the API of a logical id call the function, version or alias of an ARN."""
    return {
        logical_id: {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": function,
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {
                    "Fn::Sub": f"arn:aws:execute-api:us-east-1:${{AWS::AccountId}}:${{{api}}}/*/*/any"
                },
            },
        }
    }


def rest_api(function: str, *, authorization: str = "NONE", **properties: object) -> dict[str, Any]:
    """A REST API with `GET /any` at a stage `live`."""
    api = {"Ref": "Rest"}
    return {
        "Rest": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "rest", **properties}},
        "Any": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": api,
                "ParentId": {"Fn::GetAtt": ["Rest", "RootResourceId"]},
                "PathPart": "any",
            },
        },
        "Get": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": api,
                "ResourceId": {"Ref": "Any"},
                "HttpMethod": "GET",
                "AuthorizationType": authorization,
                "Integration": {
                    "Type": "AWS_PROXY",
                    "IntegrationHttpMethod": "POST",
                    "Uri": _INVOKE.format(function),
                },
            },
        },
        "Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "DependsOn": "Get",
            "Properties": {"RestApiId": api},
        },
        "Live": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {"RestApiId": api, "StageName": "live", "DeploymentId": {"Ref": "Deployment"}},
        },
    }


def http_api(function: str, *, authorization: str = "NONE") -> dict[str, Any]:
    """An HTTP API with `GET /any` at its own stage."""
    api = {"Ref": "Http"}
    return {
        "Http": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "http", "ProtocolType": "HTTP"}},
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": api,
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": function,
                "PayloadFormatVersion": "2.0",
            },
        },
        "Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": api,
                "RouteKey": "GET /any",
                "AuthorizationType": authorization,
                "Target": {"Fn::Sub": "integrations/${Integration}"},
            },
        },
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": api, "StageName": "$default", "AutoDeploy": True},
        },
    }
