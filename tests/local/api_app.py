"""A CDK app of plain L2s: APIs in front of a live alias, with all that usually goes with them.

`RELEASE` in the environment names the code; `STABLE` the version that the alias stays at, with the new one at
`WEIGHT`. Without `STABLE` the alias goes to the new version.
"""

import os

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as waf
from aws_cdk.aws_apigatewayv2_authorizers import HttpIamAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration

ACCOUNT = "000000000000"
CODE = """
import json

def handler(event, context):
    asked = event.get("queryStringParameters") or {{}}
    if "fail" in asked:
        raise ValueError("the price list is empty")
    if "malformed" in asked:
        return "no proxy response"
    answer = {{"release": {release!r}, "version": context.function_version,
              "function": context.invoked_function_arn, "event": event}}
    return {{"statusCode": 200, "headers": {{"content-type": "application/json"}}, "body": json.dumps(answer)}}
"""


class ApiStack(Stack):
    """Everything in front of one function."""

    def __init__(self, app: App, construct_id: str) -> None:
        super().__init__(app, construct_id)
        self.live = self._live()
        self._releases()
        self._scaling()
        self._rest()
        self._http()

    def _live(self) -> lambda_.Alias:
        function = lambda_.Function(
            self,
            "Function",
            function_name="api-app",
            code=lambda_.Code.from_inline(CODE.format(release=os.environ["RELEASE"])),
            handler="index.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
        )
        new = function.current_version
        stable = os.environ.get("STABLE")
        if stable is None:
            return lambda_.Alias(
                self, "Live", alias_name="live", version=new, provisioned_concurrent_executions=2
            )
        weight = float(os.environ.get("WEIGHT", "0"))
        return lambda_.Alias(
            self,
            "Live",
            alias_name="live",
            version=lambda_.Version.from_version_arn(self, "Stable", f"{function.function_arn}:{stable}"),
            additional_versions=[lambda_.VersionWeight(version=new, weight=weight)] if weight else None,
        )

    def _releases(self) -> None:
        errors = cloudwatch.Alarm(
            self,
            "NewVersionErrors",
            metric=cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="Errors",
                dimensions_map={
                    "FunctionName": "api-app",
                    "Resource": "api-app:live",
                    "ExecutedVersion": self.live.version.version,
                },
                period=Duration.minutes(1),
                statistic="Sum",
            ),
            threshold=1,
            evaluation_periods=1,
        )
        if os.environ.get("STABLE") is None:
            codedeploy.LambdaDeploymentGroup(
                self,
                "Releases",
                alias=self.live,
                deployment_config=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
                alarms=[errors],
            )
        codedeploy.LambdaDeploymentConfig(
            self,
            "Slowly",
            traffic_routing=codedeploy.TimeBasedCanaryTrafficRouting(
                interval=Duration.minutes(2), percentage=5
            ),
        )

    def _scaling(self) -> None:
        target = scaling.ScalableTarget(
            self,
            "Scaling",
            service_namespace=scaling.ServiceNamespace.LAMBDA,
            scalable_dimension="lambda:function:ProvisionedConcurrency",
            resource_id="function:api-app:live",
            min_capacity=2,
            max_capacity=int(os.environ.get("MAXIMUM", "10")),
        )
        target.node.add_dependency(self.live)
        target.scale_to_track_metric(
            "Utilization",
            predefined_metric=scaling.PredefinedMetric.LAMBDA_PROVISIONED_CONCURRENCY_UTILIZATION,
            target_value=0.7,
        )
        target.scale_on_schedule(
            "Morning", schedule=scaling.Schedule.cron(hour="6", minute="0"), min_capacity=5
        )

    def _rest(self) -> None:
        access_log = logs.LogGroup(self, "AccessLog")
        api = rest.RestApi(
            self,
            "Rest",
            cloud_watch_role=False,
            binary_media_types=["image/png"],
            default_cors_preflight_options=rest.CorsOptions(allow_origins=["https://rides.example"]),
            deploy_options=rest.StageOptions(
                stage_name="live",
                throttling_rate_limit=1000,
                throttling_burst_limit=500,
                tracing_enabled=True,
                variables={"colour": "green"},
                access_log_destination=rest.LogGroupLogDestination(access_log),
                access_log_format=rest.AccessLogFormat.json_with_standard_fields(
                    caller=False, http_method=True, ip=True, protocol=True, request_time=True,
                    resource_path=True, response_length=True, status=True, user=False,
                ),
            ),
        )  # fmt: skip
        for kind, name in ((rest.ResponseType.DEFAULT_4_XX, "Bad"), (rest.ResponseType.DEFAULT_5_XX, "Down")):
            api.add_gateway_response(
                name,
                type=kind,
                templates={
                    "application/json": '{"title":$context.error.messageString,"id":"$context.requestId"}'
                },
            )
        integration = rest.LambdaIntegration(self.live)
        model = api.add_model(
            "Trip",
            schema=rest.JsonSchema(
                schema=rest.JsonSchemaVersion.DRAFT4,
                type=rest.JsonSchemaType.OBJECT,
                required=["rider"],
                properties={"rider": rest.JsonSchema(type=rest.JsonSchemaType.STRING)},
            ),
        )
        validator = api.add_request_validator("Body", validate_request_body=True)
        trips = api.root.add_resource("trips")
        trips.add_method(
            "POST",
            integration,
            request_validator=validator,
            request_models={"application/json": model},
        )
        api.root.add_resource("drivers").add_resource("{driver}").add_method("GET", integration)
        api.root.add_resource("signed").add_method(
            "GET", integration, authorization_type=rest.AuthorizationType.IAM
        )
        api.root.add_resource("metered").add_method("GET", integration, api_key_required=True)
        key = api.add_api_key("Key", value="k" * 20)
        plan = api.add_usage_plan("Plan", throttle=rest.ThrottleSettings(rate_limit=100, burst_limit=50))
        plan.add_api_key(key)
        plan.add_api_stage(stage=api.deployment_stage)
        certificate = acm.Certificate.from_certificate_arn(
            self, "Certificate", f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/any"
        )
        domain = rest.DomainName(self, "Domain", domain_name="api.rides.example", certificate=certificate)
        domain.add_base_path_mapping(api, base_path="v1", stage=api.deployment_stage)
        acl = waf.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=waf.CfnWebACL.VisibilityConfigProperty(
                cloud_watch_metrics_enabled=True, metric_name="acl", sampled_requests_enabled=False
            ),
        )
        waf.CfnWebACLAssociation(
            self, "Firewall", web_acl_arn=acl.attr_arn, resource_arn=api.deployment_stage.stage_arn
        )
        api.metric_server_error().create_alarm(self, "Errors", threshold=1, evaluation_periods=1)
        CfnOutput(self, "RestUrl", value=api.url)
        CfnOutput(self, "RestId", value=api.rest_api_id)
        CfnOutput(self, "StageArn", value=api.deployment_stage.stage_arn)
        CfnOutput(self, "AclArn", value=acl.attr_arn)

    def _http(self) -> None:
        api = http.HttpApi(self, "Http")
        integration = HttpLambdaIntegration("Live", self.live)
        api.add_routes(path="/trips", methods=[http.HttpMethod.POST], integration=integration)
        api.add_routes(
            path="/signed",
            methods=[http.HttpMethod.GET],
            integration=integration,
            authorizer=HttpIamAuthorizer(),
        )
        assert api.url is not None
        CfnOutput(self, "HttpUrl", value=api.url)
        CfnOutput(self, "HttpId", value=api.api_id)


app = App()
ApiStack(app, "Api")
app.synth()
