"""What is looked for in a cloud assembly before it is deployed."""

import json
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud, LocalCloudError, private_environment
from constructs_lib.local.assembly import (
    Environment,
    SynthesizedStack,
    drop_images,
    drop_lookups,
    has_postgres,
    keys,
    looked_up,
    stacks,
)


def _template(folder: Path, type_: str, **properties: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    resources = {"Any": {"Type": type_, "Properties": properties}, "Bare": {"Type": "AWS::SQS::Queue"}}
    (folder / "Stack.template.json").write_text(json.dumps({"Resources": resources}))


def _manifest(folder: Path, **artifacts: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"version": "54.0.0", "artifacts": artifacts}))


def _stack(environment: str, *, path: str | None = None, **properties: str) -> dict[str, Any]:
    made = {"type": "aws:cloudformation:stack", "environment": environment, "properties": properties}
    return made | ({"displayName": path} if path else {})


@pytest.mark.parametrize(
    ("environment", "account", "region"),
    [
        ("aws://111111111111/eu-central-1", "111111111111", "eu-central-1"),
        ("aws://unknown-account/eu-central-1", None, "eu-central-1"),
        ("aws://111111111111/unknown-region", "111111111111", None),
    ],
)
def test_an_environment_is_what_the_app_sets_and_no_more(
    tmp_path: Path, environment: str, account: str | None, region: str | None
) -> None:
    _manifest(tmp_path, Stack=_stack(environment))
    [found] = stacks(tmp_path)
    assert (found.environment.account, found.environment.region) == (account, region)


@pytest.mark.parametrize(
    ("properties", "qualifier"),
    [
        ({}, "hnb659fds"),
        ({"bootstrapStackVersionSsmParameter": "/cdk-bootstrap/acme/version"}, "acme"),
        ({"bootstrapStackVersionSsmParameter": "/of/our/own"}, "hnb659fds"),
        ({"stackTemplateAssetObjectUrl": "s3://cdk-acme-assets-111111111111-eu-central-1/01.json"}, "acme"),
        ({"stackTemplateAssetObjectUrl": "s3://our-bucket/01.json"}, "hnb659fds"),
    ],
)
def test_the_qualifier_is_the_one_that_the_synthesizer_asks_for(
    tmp_path: Path, properties: dict[str, str], qualifier: str
) -> None:
    _manifest(tmp_path, Stack=_stack("aws://111111111111/eu-central-1", **properties))
    assert [stack.environment.qualifier for stack in stacks(tmp_path)] == [qualifier]


def test_lookups_are_where_their_roles_are(tmp_path: Path) -> None:
    assert looked_up(tmp_path) == []
    _manifest(tmp_path)
    assert looked_up(tmp_path) == []
    manifest = tmp_path / "manifest.json"
    place = {"account": "111111111111", "region": "eu-central-1"}
    role = "arn:${AWS::Partition}:iam::111111111111:role/cdk-our-own-lookup-role-111111111111-eu-central-1"
    missing = [
        {"key": "a", "provider": "vpc-provider", "props": place | {"lookupRoleArn": role}},
        {"key": "b", "provider": "availability-zones", "props": place | {"lookupRoleArn": role}},
        {"key": "c", "provider": "availability-zones", "props": place},
        {"key": "d", "provider": "of-somebody-else", "props": {}},
    ]
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"missing": missing}))
    assert looked_up(tmp_path) == [Environment(**place, qualifier=each) for each in ("our-own", "hnb659fds")]
    drop_lookups(tmp_path)
    assert looked_up(tmp_path) == []
    assert json.loads(manifest.read_text())["version"] == "54.0.0"


def test_stages_in_stages_are_read_and_equal_names_kept_apart(tmp_path: Path) -> None:
    place = "aws://111111111111/eu-central-1"
    for folder, inner in (("", "a"), ("a", "b"), ("a/b", None)):
        path = f"{folder}/Orders".lstrip("/")
        artifacts = {"Orders": _stack(place, path=path, stackName="orders"), "Tree": {"type": "cdk:tree"}}
        if inner:
            artifacts["Inner"] = {"type": "cdk:cloud-assembly", "properties": {"directoryName": inner}}
        _manifest(tmp_path / folder, **artifacts)
    found = stacks(tmp_path)
    assert [stack.path for stack in found] == ["Orders", "a/Orders", "a/b/Orders"]
    alone = SynthesizedStack("alone", "a/Alone", Environment(None, None, "hnb659fds"))
    assert list(keys([*found, alone])) == ["Orders", "a/Orders", "a/b/Orders", "alone"]


@pytest.mark.parametrize(
    ("folder", "type_", "engine", "found"),
    [
        ("", "AWS::RDS::DBInstance", "postgres", True),
        ("assembly-Stage", "AWS::RDS::DBCluster", "aurora-postgresql", True),
        ("", "AWS::RDS::DBCluster", "aurora-mysql", False),
        ("", "AWS::RDS::DBProxy", "postgres", False),
        ("asset.0123", "AWS::RDS::DBInstance", "postgres", False),
    ],
)
def test_a_postgresql_database_is_found_in_the_templates(
    tmp_path: Path, folder: str, type_: str, engine: str, found: bool
) -> None:
    _template(tmp_path / folder, type_, Engine=engine)
    assert has_postgres(tmp_path) is found


@pytest.mark.cloud
@pytest.mark.parametrize(
    ("engine", "asked"),
    [("postgres", True), ("mysql", False)],
)
def test_postgresql_is_installed_only_when_an_app_needs_it(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, engine: str, asked: bool
) -> None:
    class InstalledError(Exception):
        pass

    def install(state: Path) -> None:
        raise InstalledError(state)

    def cdk(command: str, *arguments: str, **more: object) -> None:
        if command == "synth":
            _template(cloud.run_folder / "cdk.out", "AWS::RDS::DBInstance", Engine=engine)
            _manifest(cloud.run_folder / "cdk.out", Stack=_stack("aws://unknown-account/unknown-region"))
        else:
            raise LocalCloudError("far enough")

    monkeypatch.setattr(private_environment, "install_postgres", install)
    monkeypatch.setattr(cloud, "_cdk", cdk)
    monkeypatch.setattr(cloud, "_bootstrapped", set())
    with pytest.raises(InstalledError if asked else LocalCloudError):
        cloud.deploy(app="true", cwd=Path("/"))


def test_no_image_is_left_to_build_and_everything_else_is(tmp_path: Path) -> None:
    files = {"template": {"source": {"path": "Stack.template.json"}}}
    images = {"image": {"source": {"directory": "asset.image"}}}
    nested, packaged = tmp_path / "assembly-Prod", tmp_path / "asset.other"
    for folder in (tmp_path, nested, packaged):
        folder.mkdir(exist_ok=True)
        (folder / "Stack.assets.json").write_text(json.dumps({"files": files, "dockerImages": images}))
    drop_images(tmp_path)
    for folder in (tmp_path, nested):
        assert json.loads((folder / "Stack.assets.json").read_text()) == {"files": files, "dockerImages": {}}
    assert json.loads((packaged / "Stack.assets.json").read_text())["dockerImages"] == images
