"""The CloudFront distribution in front of a function URL, which takes requests from nobody else."""

from aws_cdk import Aws, Duration, Names
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib.foundation.acknowledgment import acknowledge

_GEO = "Who may call is not decided by country; set a geo restriction of the distribution where it is."
_LOGS = (
    "The function's log has each request that reaches it. Logs of the edge need a bucket, which you choose."
)
_WAF = "web_acl_arn was left out; the function's reserved concurrency bounds what callers can use up."
_TLS = "Without domain_name CloudFront answers with its own certificate, under a policy that nobody can set."


def make(
    scope: Construct,
    function_url: lambda_.FunctionUrl,
    *,
    web_acl_arn: str | None,
    domain_name: str | None,
    certificate: acm.ICertificate | None,
    price_class: cloudfront.PriceClass | None,
) -> cloudfront.Distribution:
    """Create the distribution, with the permissions that its requests need.

    Args:
        scope: The construct.
        function_url: What it forwards to, with IAM authorization.
        web_acl_arn: The web ACL in front of it.
        domain_name: Its domain.
        certificate: For the domain.
        price_class: Where it answers from.

    Returns:
        The distribution.
    """
    distribution = cloudfront.Distribution(
        scope,
        "Distribution",
        default_behavior=cloudfront.BehaviorOptions(
            origin=origins.FunctionUrlOrigin.with_origin_access_control(
                function_url,
                read_timeout=Duration.seconds(_defaults.CLOUDFRONT_READ_TIMEOUT_SECONDS),
                origin_access_control=cloudfront.FunctionUrlOriginAccessControl(
                    scope, "OriginAccessControl", origin_access_control_name=_name_in_all_regions(scope)
                ),
            ),
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            # Without the viewer's Host, which Lambda would not know.
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        ),
        web_acl_id=web_acl_arn,
        domain_names=None if domain_name is None else [domain_name],
        certificate=certificate,
        minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
        http_version=cloudfront.HttpVersion.HTTP2_AND_3,
        price_class=price_class or cloudfront.PriceClass.PRICE_CLASS_100,
    )
    _complete_permissions(distribution, function_url)
    findings = {"AwsSolutions-CFR1": _GEO, "AwsSolutions-CFR3": _LOGS}
    if web_acl_arn is None:
        findings["AwsSolutions-CFR2"] = _WAF
    if certificate is None:
        findings["AwsSolutions-CFR4"] = _TLS
    acknowledge(distribution, findings)
    return distribution


def _name_in_all_regions(scope: Construct) -> str:
    """A name that the same construct has in no other Region: an account has one CloudFront for all of them.

    Source: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_OriginAccessControlConfig.html
    """
    own = Names.unique_resource_name(scope, max_length=_NAME_CHARACTERS - _REGION_CHARACTERS - 1)
    return f"{own}-{Aws.REGION}"


_NAME_CHARACTERS = 64
_REGION_CHARACTERS = 24
"""Longer than the name of any Region."""


def _complete_permissions(distribution: cloudfront.Distribution, function_url: lambda_.FunctionUrl) -> None:
    """Add the second permission that Lambda requires where CDK does not: its older versions give the first alone.

    Source: https://github.com/aws/aws-cdk/issues/35872
    """
    has_it = any(
        isinstance(each, lambda_.CfnPermission) and each.action == _INVOKE
        for each in distribution.node.find_all()
    )
    if has_it:
        return
    lambda_.CfnPermission(
        distribution,
        "InvokeFunction",
        action=_INVOKE,
        principal="cloudfront.amazonaws.com",
        function_name=function_url.function_arn,
        source_arn=f"arn:{Aws.PARTITION}:cloudfront::{Aws.ACCOUNT_ID}:distribution/{distribution.distribution_id}",
        invoked_via_function_url=True,
    )


_INVOKE = "lambda:InvokeFunction"
