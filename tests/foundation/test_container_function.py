"""What a function from a container image has in common with others, and how its image is built."""

import json
from pathlib import Path

import pytest
from aws_cdk import App, AssetStaging, Environment, Stack, Stage
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Match, Template

from constructs_lib import ContainerFunction, InvalidPropsError, LiveAlias
from tests.gallery.plain_function import HANDLERS, function
from tests.template import properties

HOME = Environment(account="1" * 12, region="us-east-1")


@pytest.fixture
def stack() -> Stack:
    return Stack(App(analytics_reporting=False), "Stack", env=HOME)


def test_it_has_what_a_python_function_has(stack: Stack) -> None:
    """All but what its code decides."""
    container = ContainerFunction(stack, "Container", entry=HANDLERS / "container")
    python = function(stack, "Python")
    by_code = {"Code", "PackageType", "Handler", "Runtime", "Role", "LoggingConfig"}
    theirs, ours = properties(python), properties(container)
    assert {key: value for key, value in ours.items() if key not in by_code} == {
        key: value for key, value in theirs.items() if key not in by_code
    }
    assert ours["PackageType"] == "Image"
    assert {"Handler", "Runtime"}.isdisjoint(ours)
    assert ours["LoggingConfig"] | {"LogGroup": 0} == theirs["LoggingConfig"] | {"LogGroup": 0}


@pytest.mark.parametrize(
    ("architecture", "platform"),
    [(lambda_.Architecture.ARM_64, "linux/arm64"), (lambda_.Architecture.X86_64, "linux/amd64")],
)
def test_an_image_is_built_for_the_functions_architecture(
    tmp_path: Path, architecture: lambda_.Architecture, platform: str
) -> None:
    app = App(analytics_reporting=False, outdir=str(tmp_path))
    ContainerFunction(
        Stack(app, "Stack", env=HOME),
        "Container",
        entry=HANDLERS / "container",
        architecture=architecture,
        build_args={"LEVEL": "high"},
        target="last",
    )
    app.synth()
    (image,) = json.loads((tmp_path / "Stack.assets.json").read_text())["dockerImages"].values()
    source = image["source"]
    assert (source["platform"], source["dockerBuildArgs"], source["dockerBuildTarget"]) == (
        platform,
        {"LEVEL": "high"},
        "last",
    )


def test_what_a_machine_leaves_in_the_folder_does_not_change_the_image(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    first = ContainerFunction(stack, "First", entry=tmp_path)
    for name in ("cdk.out", ".git", ".venv", "__pycache__", "node_modules"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
    AssetStaging.clear_asset_hash_cache()
    second = ContainerFunction(stack, "Second", entry=tmp_path)
    (tmp_path / "app.py").write_text("")
    AssetStaging.clear_asset_hash_cache()
    third = ContainerFunction(stack, "Third", entry=tmp_path)
    uris = [json.dumps(properties(one)["Code"]["ImageUri"]) for one in (first, second, third)]
    assert uris[0] == uris[1] != uris[2]


def test_an_image_of_a_repository(stack: Stack) -> None:
    repository = ecr.Repository(stack, "Images")
    digest = f"sha256:{'0' * 64}"
    ContainerFunction(stack, "Container", repository=repository, tag_or_digest=digest, command=["app.handle"])
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Code": {"ImageUri": {"Fn::Join": ["", Match.array_with([f"@{digest}"])]}},
            "ImageConfig": {"Command": ["app.handle"]},
        },
    )
    template.has_resource_properties(
        "AWS::ECR::Repository",
        {
            "RepositoryPolicyText": {
                "Statement": [Match.object_like({"Principal": {"Service": "lambda.amazonaws.com"}})]
            }
        },
    )


def test_a_repository_of_another_region_is_refused(stack: Stack) -> None:
    theirs = Stack(Stage.of(stack), "Theirs", env=Environment(account="1" * 12, region="eu-west-1"))
    with pytest.raises(InvalidPropsError, match="repository must be in Region us-east-1"):
        ContainerFunction(
            stack, "Container", repository=ecr.Repository(theirs, "Images"), tag_or_digest="7f3c2a1"
        )
    assert stack.node.try_find_child("ContainerRole") is None


@pytest.mark.parametrize("is_imported", [True, False])
def test_the_owner_of_a_repository_in_another_account_gets_both_statements(
    stack: Stack, is_imported: bool
) -> None:
    theirs = Stack(Stage.of(stack), "Theirs", env=Environment(account="2" * 12, region="us-east-1"))
    repository: ecr.IRepository = (
        ecr.Repository.from_repository_arn(
            stack, "Images", f"arn:aws:ecr:us-east-1:{'2' * 12}:repository/images"
        )
        if is_imported
        else ecr.Repository(theirs, "Images", repository_name="images")
    )
    container = ContainerFunction(stack, "Container", repository=repository, tag_or_digest="7f3c2a1")
    notes = [str(entry.data) for entry in container.node.metadata if entry.type == "aws:cdk:info"]
    assert len([note for note in notes if "ecr:BatchGetImage" in note]) == 2
    assert [note for note in notes if f"{'1' * 12}:root" in note]
    assert [note for note in notes if "aws:SourceArn" in note and "lambda.amazonaws.com" in note]


def test_it_is_released_by_an_alias_as_others_are(stack: Stack) -> None:
    LiveAlias(stack, "Live", function=ContainerFunction(stack, "Container", entry=HANDLERS / "container"))
    Template.from_stack(stack).resource_count_is("AWS::CodeDeploy::DeploymentGroup", 1)
