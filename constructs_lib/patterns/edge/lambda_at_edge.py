"""The Lambda function of Lambda@Edge: what CloudFront refuses of it, and what its replicas need."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from aws_cdk import Annotations, Aws, CrossStackReferences, ReferenceStrength, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.function.packaging import Package
from constructs_lib.foundation.invoked import Invoked, check_place, check_tenants

_EDGE: Final = "edgelambda.amazonaws.com"


def check(scope: Construct, function: object) -> lambda_.Function:
    """Refuse a function that cannot be replicated, or not with what it has.

    Args:
        scope: Where the construct is going to be.
        function: What was passed as `function`.

    Returns:
        The function.

    Raises:
        InvalidPropsError: CloudFront would refuse it, or its replicas would not work.
    """
    _validation.check_part("function", function, "function_arn", "a function of this app", required=True)
    if not isinstance(function, lambda_.Function):
        raise InvalidPropsError(
            f"function must be a function of this app, got {_validation.shown(function)}: CloudFront takes a numbered "
            "version, and no alias, and its role must be changed. Pass the function itself: its current version is "
            f"published here. See {_defaults.LAMBDA_AT_EDGE_RESTRICTIONS}"
        )
    invoked = Invoked.of(function)
    check_place(scope, invoked)
    home = _defaults.CLOUDFRONT_REGION
    for region in (location.stack_of(each).region for each in (function, scope)):
        if not _validation.is_unresolved(region) and region != home:
            raise InvalidPropsError(
                f"function must be in Region {home}, from where CloudFront replicates it, got {invoked.path} in "
                f"{region}. Put it and this construct into a stack of {home}: a distribution of another Region "
                f"can use it. See {_defaults.LAMBDA_AT_EDGE_RESTRICTIONS}"
            )
    check_tenants(invoked)
    # Environment and layers are known to CDK alone until synth.
    properties: Mapping[str, Any] = location.stack_of(function).resolve(dict(invoked.properties))
    for what, way_out in _refused(properties):
        raise InvalidPropsError(
            f"function {invoked.path} has {what}, which Lambda@Edge does not have. {way_out} "
            f"See {_defaults.LAMBDA_AT_EDGE_RESTRICTIONS}"
        )
    seconds, most = invoked.timeout_seconds, _defaults.LAMBDA_AT_EDGE_TIMEOUT_SECONDS_MAX
    if seconds is not None and seconds > most:
        raise InvalidPropsError(
            f"timeout of function {invoked.path} must be at most {most} seconds at the edge, got {seconds:g}. "
            f"See {_defaults.CLOUDFRONT_QUOTAS}"
        )
    package = getattr(function, "package", None)
    if isinstance(package, Package):
        megabytes = package.zipped_bytes / 1024 / 1024
        if megabytes > _defaults.LAMBDA_AT_EDGE_ZIPPED_MB_MAX:
            raise InvalidPropsError(
                f"package of function {invoked.path} must be at most {_defaults.LAMBDA_AT_EDGE_ZIPPED_MB_MAX} MB "
                f"zipped at the edge, got {megabytes:.0f}. See {_defaults.CLOUDFRONT_QUOTAS}"
            )
    return function


def _refused(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a function has and Lambda@Edge lacks, each with the way out."""
    if properties.get("packageType") == "Image":
        yield "a container image", "Package it as a zip file, as PythonFunction does."
    runtime = str(properties.get("runtime", ""))
    if runtime and not runtime.startswith(_defaults.LAMBDA_AT_EDGE_RUNTIMES):
        yield f"the runtime {runtime}", "Write it in Python or JavaScript (Node.js)."
    if "arm64" in (properties.get("architectures") or ()):
        yield "the architecture arm64", "Pass architecture=lambda_.Architecture.X86_64."
    if (properties.get("tracingConfig") or {}).get("mode") == "Active":
        yield "X-Ray tracing", "Pass tracing=lambda_.Tracing.DISABLED."
    if variables := (properties.get("environment") or {}).get("variables"):
        yield (
            f"environment variables ({', '.join(variables)})",
            "Put them into the code, or into custom headers of the origin.",
        )
    if properties.get("vpcConfig"):
        yield "a VPC", "Leave vpc out."
    if properties.get("layers"):
        yield "layers", "Put their content into the package."
    if properties.get("deadLetterConfig"):
        yield "a dead-letter queue", "Leave it out: CloudFront waits for the answer."
    storage = (properties.get("ephemeralStorage") or {}).get("size")
    if isinstance(storage, int | float) and storage > _defaults.LAMBDA_AT_EDGE_EPHEMERAL_STORAGE_MB_MAX:
        yield f"{storage:g} MB of /tmp", "Leave ephemeral_storage_size out: 512 MB is what it has."
    if (properties.get("code") or {}).get("sourceKmsKeyArn"):
        yield "a package under a key of your own", "Leave the key out."
    if (properties.get("runtimeManagementConfig") or {}).get("updateRuntimeOn", "Auto") != "Auto":
        yield "a runtime that is not updated automatically", "Leave runtime_management_mode out."
    if properties.get("durableConfig"):
        yield "durable executions", "Leave durable out."
    if properties.get("capacityProviderConfig"):
        yield "managed instances", "Leave managed_instances out."


def publish(construct: Construct, function: lambda_.Function) -> lambda_.Version:
    """Publish the current version, for replicas that may log, and that CloudFormation does not try to delete.

    Lambda refuses to delete a function while it has replicas, and these are deleted some hours after the last
    distribution has let go of them: a stack that waits for it fails. So the function and its versions stay.

    Each change of the code is a new version, with another logical id. A distribution in another stack reads it without
    an export, which could not be replaced while it is in use: the second deployment would fail.

    Args:
        construct: The construct.
        function: The function.

    Returns:
        Its current version.

    Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-delete-replicas.html and
    https://github.com/aws/aws-cdk/issues/28200 (an export)
    """
    role = permissions.role_of(function)
    if isinstance(role, iam.Role):
        _trust_replicas(role)
        _let_replicas_log(role, function)
    else:
        Annotations.of(construct).add_warning_v2(
            "constructs-lib:edge-role",
            f"Role {role.node.path} is imported. Acknowledge this if {_EDGE} may assume it, and if it may write logs "
            f"in every Region: without, CloudFront refuses the function. See {_defaults.LAMBDA_AT_EDGE_RESTRICTIONS}",
        )
    version = function.current_version
    version.apply_removal_policy(RemovalPolicy.RETAIN)
    function.apply_removal_policy(RemovalPolicy.RETAIN)
    CrossStackReferences.of(version).produce(ReferenceStrength.WEAK)
    return version


def _trust_replicas(role: iam.Role) -> None:
    """Let replicas assume the role.

    Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-permissions.html
    """
    policy = role.assume_role_policy
    assert policy is not None  # noqa: S101 - a role of this app has one
    policy.add_statements(
        iam.PolicyStatement(actions=["sts:AssumeRole"], principals=[iam.ServicePrincipal(_EDGE)])
    )


def _let_replicas_log(role: iam.Role, function: lambda_.Function) -> None:
    """Let replicas write to the log group of this name in their own Regions, and create it where it is missing.

    A log group of your own has the same name in every Region; without one, the role has Lambda's managed policy.
    Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
    """
    logging = Invoked.of(function).properties.get("loggingConfig")
    name = logging.get("logGroup") if isinstance(logging, Mapping) else None
    if name is None:
        return
    # As cdk-nag writes it: the id of the log group, or the name that you gave it.
    resolved = location.stack_of(function).resolve(name)
    shown = f"<{resolved['Ref']}>" if isinstance(resolved, Mapping) and "Ref" in resolved else resolved
    role.add_to_principal_policy(
        iam.PolicyStatement(
            sid="ReplicasLogInTheirRegions",
            actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[f"arn:{Aws.PARTITION}:logs:*:{Aws.ACCOUNT_ID}:log-group:{name}:*"],
        )
    )
    finding = f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:*:<AWS::AccountId>:log-group:{shown}:*]"
    acknowledge(
        role,
        {finding: "Replicas are in Regions that nobody knows before; the log group has one name in all."},
    )
