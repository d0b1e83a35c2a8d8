"""A Lambda function from a container image, with the practice built in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aws_cdk import ArnFormat, Duration, IgnoreMode, RemovalPolicy, Size
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions
from constructs_lib.foundation.function import packaging
from constructs_lib.foundation.function.checked_function import CheckedFunction
from constructs_lib.foundation.function.durable import Durable
from constructs_lib.foundation.function.managed_instances import ManagedInstances

if TYPE_CHECKING:  # a service module costs time at import
    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_kms as kms

_NOT_IN_AN_IMAGE: Final = ("cdk.out", ".git", ".venv", "**/__pycache__", "node_modules")
"""What would change the asset with each synth, or with each machine."""


class ContainerFunction(CheckedFunction):
    """A Lambda function from a container image: one of a repository, or one that the CDK builds from a Dockerfile.

    Choose it over `PythonFunction` if the function needs more than 250 MB, programs or libraries of the operating
    system, or compiled packages that have no wheel. An image can have 10 GB. It has a price: a build needs Docker and
    takes longer, you must renew the base image for security updates, which Lambda does for its own runtimes, and layers
    do not work with images.

    What is deployed: the same as by `PythonFunction`, with the image in place of the package: the function (arm64,
    X-Ray tracing, JSON logs), a log group of its own, and a role that may write to it and send traces. An image from a
    Dockerfile is built for the function's architecture by `cdk deploy`, whatever machine that runs on, and goes to the
    repository of `cdk bootstrap`. Nothing is built at synth.

    Lambda refuses images with a manifest list, which newer versions of Docker make by default: set the environment
    variable `BUILDX_NO_DEFAULT_ATTESTATIONS=1` for `cdk deploy`.

    The local cloud of this library cannot run container images. A `PythonFunction` that becomes a `ContainerFunction`
    is another function: CloudFormation replaces it.

    The guide is docs/function.md.

    Args:
        scope: The construct's parent; the role and the log group become its children too, named after it.
        construct_id: The construct's id, unique in its scope.
        entry: The folder with the Dockerfile. A relative path starts at the current directory. What `.dockerignore`
            lists does not count, nor do `.git`, `.venv`, `node_modules`, `__pycache__` and `cdk.out`.
        dockerfile: The Dockerfile, by its path in `entry`; default `Dockerfile`.
        build_args: Arguments of the build. They can be read in the image's history: never secrets.
        target: The stage of the Dockerfile to build; default the last.
        repository: A repository with the image, in place of `entry`: of the same Region. Of another account, its owner
            must let this account, and Lambda for its functions, pull images: synth shows both statements.
        tag_or_digest: Of the image in `repository`: a digest (`sha256:...`), or a tag that is never given to another
            image. Lambda looks a tag up when the function is created or changed, and never again.
        command: In place of the image's `CMD`, such as `["app.handle"]`.
        architecture: Default arm64, which costs a fifth less for the same duration. The image must be for it.
        timeout: 1 to 900 seconds, or up to 5,400 with `managed_instances`; default 29, as long as a REST API waits.
        memory_size: 128 to 10,240 MB; default 512. With `managed_instances` 2,048 to 32,768 MB; default the memory of
            one vCPU. CPU comes in proportion.
        ephemeral_storage_size: /tmp, 512 to 10,240 MB; default 512.
        environment: Variables, at most 4 KB in all.
        environment_encryption: Your own key for the variables; default a key that AWS manages.
        vpc: Run in this VPC; as in `PythonFunction`.
        vpc_subnets: Which subnets of `vpc`, at most 16; default those with a NAT gateway, or else the isolated.
        security_groups: Of `vpc`, at most five; default one of its own, which lets all out and nothing in.
        allow_public_subnet: Accept public subnets, from which a function reaches nothing but the VPC.
        leaving_vpc: Pass True in the deployment that removes `vpc`, and remove it in the next one.
        function_name: A name of your own, 1 to 64 letters, digits, `-` and `_`; default one that CloudFormation makes.
        description: Shown in the console; at most 256 characters.
        reserved_concurrent_executions: The most that run at once, reserved for it, which no other function can use.
        disabled: Turn the function off, by a reserved concurrency of 0; as in `PythonFunction`.
        snap_start: Start from a snapshot of the initialized function; as in `PythonFunction`. AWS's own base images for
            Python 3.12 or newer need nothing else. Any other image needs a label, or hooks: without them no version
            can be published.
            Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-custom.html
        durable: Makes it a durable function; the image must have the durable execution SDK.
        managed_instances: Run on EC2 instances of a capacity provider; as in `PythonFunction`.
        tenant_isolation: Use each execution environment for one tenant alone; as in `PythonFunction`.
        recursive_loop: What Lambda does when the function invokes itself through a queue, topic or bucket; default
            TERMINATE. None leaves the property out, for Regions without it: see `PythonFunction`.
        tracing: Default ACTIVE: X-Ray samples invocations. DISABLED also removes the role's permission; pass it in the
            Regions of China.
        log_group: Your own log group; default one of its own.
        log_retention: How long the function's own log group keeps logs; default two months.
        log_level: The least important application log line that is kept; default INFO.
        system_log_level: The least important line of Lambda itself that is kept; default INFO.
        log_removal_policy: What happens to the function's own log group when the stack is deleted; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        entry: str | Path | None = None,
        dockerfile: str | None = None,
        build_args: Mapping[str, str] | None = None,
        target: str | None = None,
        repository: "ecr.IRepository | ecr.Repository | None" = None,
        tag_or_digest: str | None = None,
        command: Sequence[str] = (),
        architecture: lambda_.Architecture | None = None,
        timeout: Duration | None = None,
        memory_size: float | None = None,
        ephemeral_storage_size: Size | None = None,
        environment: Mapping[str, str] | None = None,
        environment_encryption: "kms.IKey | kms.Key | None" = None,
        vpc: ec2.IVpc | ec2.Vpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup | ec2.SecurityGroup] = (),
        allow_public_subnet: bool = False,
        leaving_vpc: bool = False,
        function_name: str | None = None,
        description: str | None = None,
        reserved_concurrent_executions: float | None = None,
        disabled: bool = False,
        snap_start: bool = False,
        durable: Durable | None = None,
        managed_instances: ManagedInstances | None = None,
        tenant_isolation: bool = False,
        recursive_loop: lambda_.RecursiveLoop | None = lambda_.RecursiveLoop.TERMINATE,
        tracing: lambda_.Tracing = lambda_.Tracing.ACTIVE,
        log_group: logs.ILogGroup | logs.LogGroup | None = None,
        log_retention: logs.RetentionDays | None = None,
        log_level: lambda_.ApplicationLogLevel | None = None,
        system_log_level: lambda_.SystemLogLevel | None = None,
        log_removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the function; the arguments are described at the class."""
        _check_source(entry, repository)
        _check_build(entry, dockerfile, build_args, target)
        _check_image(scope, repository, tag_or_digest)
        _validation.check_parts("command", command, "casefold", "words of a command")

        def code() -> lambda_.Code:
            if entry is None:
                assert repository is not None  # noqa: S101 - one of the two was passed
                return lambda_.Code.from_ecr_image(
                    repository, tag_or_digest=tag_or_digest, cmd=list(command) or None
                )
            return _built(
                Path(entry),
                lambda_.Architecture.ARM_64 if architecture is None else architecture,
                dockerfile=dockerfile,
                build_args=build_args,
                target=target,
                command=command,
            )

        super().__init__(
            scope,
            construct_id,
            code=code,
            handler=lambda_.Handler.FROM_IMAGE,
            runtime=lambda_.Runtime.FROM_IMAGE,
            acknowledged={},
            architecture=architecture,
            timeout=timeout,
            memory_size=memory_size,
            ephemeral_storage_size=ephemeral_storage_size,
            environment=environment,
            environment_encryption=environment_encryption,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
            allow_public_subnet=allow_public_subnet,
            leaving_vpc=leaving_vpc,
            function_name=function_name,
            description=description,
            reserved_concurrent_executions=reserved_concurrent_executions,
            disabled=disabled,
            snap_start=snap_start,
            durable=durable,
            managed_instances=managed_instances,
            tenant_isolation=tenant_isolation,
            recursive_loop=recursive_loop,
            tracing=tracing,
            log_group=log_group,
            log_retention=log_retention,
            log_level=log_level,
            system_log_level=system_log_level,
            log_removal_policy=log_removal_policy,
        )
        if repository is not None and location.is_of_another_account(scope, repository):
            _tell_owner(self, repository)


def _tell_owner(function: ContainerFunction, repository: "ecr.IRepository") -> None:
    """Show what the policy of a repository in another account must have.

    Source: https://repost.aws/knowledge-center/lambda-ecr-image
    """
    stack = location.stack_of(function)
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    functions = stack.format_arn(
        service="lambda", resource="function", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    for statement in (
        iam.PolicyStatement(actions=pull, principals=[iam.AccountPrincipal(stack.account)]),
        iam.PolicyStatement(
            actions=pull,
            principals=[iam.ServicePrincipal("lambda.amazonaws.com")],
            conditions={"ArnLike": {"aws:SourceArn": functions}},
        ),
    ):
        permissions.tell_owner(function, repository, statement)


def _built(
    entry: Path,
    architecture: lambda_.Architecture,
    *,
    dockerfile: str | None,
    build_args: Mapping[str, str] | None,
    target: str | None,
    command: Sequence[str],
) -> lambda_.Code:
    """An image that the CDK builds for the function's architecture, and not for that of the machine that builds."""
    from aws_cdk import aws_ecr_assets as ecr_assets  # a service module costs time at import

    return lambda_.Code.from_asset_image(
        str(entry.resolve()),
        file=dockerfile,
        build_args=None if build_args is None else dict(build_args),
        target=target,
        exclude=list(_NOT_IN_AN_IMAGE),
        ignore_mode=IgnoreMode.DOCKER,
        platform=ecr_assets.Platform.custom(architecture.docker_platform),
        cmd=list(command) or None,
    )


def _check_source(entry: str | Path | None, repository: object) -> None:
    if (entry is None) == (repository is None):
        passed = "neither" if entry is None else "both"
        raise InvalidPropsError(
            f"entry or repository must be passed, got {passed}: a folder with a Dockerfile, or a repository with the "
            f"image. See {_defaults.LAMBDA_IMAGES}"
        )


def _check_build(
    entry: str | Path | None,
    dockerfile: str | None,
    build_args: Mapping[str, str] | None,
    target: str | None,
) -> None:
    if entry is None:
        _validation.check_not_with(
            "repository",
            "its image is built already. Set this where the image is built.",
            dockerfile=dockerfile,
            build_args=build_args,
            target=target,
        )
        return
    if not isinstance(entry, str | Path):
        raise InvalidPropsError(f"entry must be a path, got {_validation.shown(entry)}.")
    packaging.check_entry(Path(entry))
    if dockerfile is not None:
        _validation.check_text("dockerfile", dockerfile)
    if target is not None:
        _validation.check_text("target", target)
    if build_args is not None and not (
        isinstance(build_args, Mapping) and all(isinstance(value, str) for value in build_args.values())
    ):
        raise InvalidPropsError(
            f"build_args must be a mapping of texts, got {_validation.shown(build_args)}."
        )
    name = dockerfile or "Dockerfile"
    if not (Path(entry) / name).is_file():
        raise InvalidPropsError(
            f"entry must have the file {name}, and {Path(entry)} has none: write it, or pass dockerfile with its path "
            f"in entry. See {_defaults.LAMBDA_IMAGES}"
        )


def _check_image(scope: Construct, repository: object, tag_or_digest: str | None) -> None:
    if repository is None:
        if tag_or_digest is not None:
            raise InvalidPropsError(
                f"tag_or_digest requires repository, the one that has the image. See {_defaults.LAMBDA_IMAGES}"
            )
        return
    _validation.check_part("repository", repository, "repository_arn", "a repository of ECR")
    location.check(
        scope,
        "repository",
        repository,
        same_account=False,
        way_out="Lambda pulls images from its own Region only: replicate the image there.",
        source=_defaults.LAMBDA_IMAGES,
    )
    if tag_or_digest is None or tag_or_digest == "latest":
        raise InvalidPropsError(
            f"tag_or_digest must be a digest, or a tag that is never given to another image, got {tag_or_digest!r}: "
            f"Lambda looks a tag up when the function is deployed, so that a new image under the same tag is not "
            f"deployed, and a rollback does not bring the old one back. See {_defaults.LAMBDA_IMAGES}"
        )
    _validation.check_text("tag_or_digest", tag_or_digest)
