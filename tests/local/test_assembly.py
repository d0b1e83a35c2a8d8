"""What is looked for in a cloud assembly before it is deployed."""

import json
from pathlib import Path

import pytest

from constructs_lib.local import LocalCloud, LocalCloudError, private_environment
from constructs_lib.local.assembly import has_postgres


def _template(folder: Path, type_: str, **properties: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    resources = {"Any": {"Type": type_, "Properties": properties}, "Bare": {"Type": "AWS::SQS::Queue"}}
    (folder / "Stack.template.json").write_text(json.dumps({"Resources": resources}))


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
        else:
            raise LocalCloudError("far enough")

    monkeypatch.setattr(private_environment, "install_postgres", install)
    monkeypatch.setattr(cloud, "_cdk", cdk)
    monkeypatch.setattr(cloud, "_bootstrapped", False)
    with pytest.raises(InstalledError if asked else LocalCloudError):
        cloud.deploy(app="true", cwd=Path("/"))
