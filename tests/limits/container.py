"""The limits of ContainerFunction; those that it has in common with PythonFunction are in function.py."""

from typing import Final

from aws_cdk import Duration, Size, Stack
from aws_cdk import aws_ecr as ecr

from constructs_lib import ContainerFunction, ManagedInstances
from tests.gallery.function import provider
from tests.gallery.plain_function import HANDLERS
from tests.limits.table import Arguments, Limits, args


def _repository(stack: Stack) -> ecr.IRepository:
    return ecr.Repository.from_repository_name(stack, "Images", "images")


def of_repository(**more: object) -> Arguments:
    return lambda stack: {"entry": None, "repository": _repository(stack), "tag_or_digest": "7f3c2a1"} | more


_ROWS: list[tuple[str, Arguments, str]] = [
    ("no image", args(entry=None), "entry or repository must be passed, got neither"),
    ("two images", lambda stack: {"repository": _repository(stack)}, "entry or repository must be passed, got both"),
    ("an entry that is not a path", args(entry=1), "entry must be a path, got 1 (int)."),
    ("an entry that is not a folder", args(entry=HANDLERS / "nowhere"), "nowhere', which is not one."),
    ("an entry without a Dockerfile", args(entry=HANDLERS / "plain"), "entry must have the file Dockerfile, and "),
    ("another Dockerfile", args(dockerfile="Dockerfile.arm"), "entry must have the file Dockerfile.arm, and "),
    ("a Dockerfile that is not text", args(dockerfile=1), "dockerfile must be text, got 1 (int)."),
    ("build arguments as a list", args(build_args=["A=1"]), "build_args must be a mapping of texts, got "),
    ("a build argument that is not text", args(build_args={"A": 1}), "build_args must be a mapping of texts, got "),
    ("a stage that is not text", args(target=1), "target must be text, got 1 (int)."),
    ("a command alone", args(command="app.handle"), "command must be a list of words of a command, got 'app.handle'"),
    ("a tag without a repository", args(tag_or_digest="7f3c2a1"), "tag_or_digest requires repository"),
    ("a repository by its name", args(entry=None, repository="images", tag_or_digest="7f3c2a1"),
     "repository must be a repository of ECR, got 'images' (str)."),
    ("a repository without a tag", of_repository(tag_or_digest=None), "never given to another image, got None"),
    ("a tag that moves", of_repository(tag_or_digest="latest"), "never given to another image, got 'latest'"),
    ("a tag that is not text", of_repository(tag_or_digest=7), "tag_or_digest must be text, got 7 (int)."),
    ("a Dockerfile of a built image", of_repository(dockerfile="Dockerfile"),
     "dockerfile cannot be combined with repository"),
    ("build arguments of a built image", of_repository(build_args={"A": "1"}),
     "build_args cannot be combined with repository"),
    ("a stage of a built image", of_repository(target="last"), "target cannot be combined with repository"),
    ("timeout above 900 s", args(timeout=Duration.seconds(901)), "timeout must be 1 second to 15 minutes, got 901"),
    ("SnapStart with more than 512 MB of /tmp", args(snap_start=True, ephemeral_storage_size=Size.mebibytes(513)),
     "ephemeral_storage_size of a function with snap_start must be at most 512 MB, got 513"),
    ("tenants and SnapStart", args(tenant_isolation=True, snap_start=True),
     "snap_start cannot be combined with tenant_isolation"),
    ("less than 2 GB on instances", lambda stack: {"memory_size": 512, "managed_instances":
     ManagedInstances(capacity_provider=provider(stack))}, "must be 2,048 to 32,768 MB, got 512"),
    ("memory above 10240", args(memory_size=20_480), "memory_size must be 128 to 10,240 MB, got 20,480"),
]  # fmt: skip

CONTAINER_LIMITS: Final = Limits(
    ContainerFunction,
    otherwise={"entry": lambda stack: HANDLERS / "container"},
    rows=_ROWS,
)
