"""What a snapshot of a user's template keeps, and what it does not."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from constructs_lib import LiveAlias, PythonFunction
from constructs_lib.testing import normal_form


def template(folder: Path, handler: str, **arguments: Any) -> dict[str, Any]:
    folder.mkdir()
    (folder / "app.py").write_text(handler)
    stack = Stack(App(outdir=str(folder.parent / f"{folder.name}.out")), "Orders")
    function = PythonFunction(stack, "Ship", entry=folder, handler="app.handle", bytecode=False, **arguments)
    LiveAlias(stack, "Live", function=function)
    return dict(Template.from_stack(stack).to_json())


HANDLER = "def handle(event, context):\n    return {}\n"


def test_a_changed_handler_changes_no_snapshot(tmp_path: Path) -> None:
    before = template(tmp_path / "before", HANDLER)
    after = template(tmp_path / "after", HANDLER.replace("{}", "1"))
    assert before != after
    assert normal_form(before) == normal_form(after)


@pytest.mark.parametrize("changed", [{"memory_size": 2048}, {"description": "Ships"}])
def test_a_changed_argument_changes_the_snapshot(tmp_path: Path, changed: dict[str, Any]) -> None:
    before = template(tmp_path / "before", HANDLER)
    assert normal_form(before) != normal_form(template(tmp_path / "after", HANDLER, **changed))


def test_packages_stay_apart_and_references_meet(tmp_path: Path) -> None:
    normal = normal_form(template(tmp_path / "fn", HANDLER))
    (version,) = [
        name for name, each in normal["Resources"].items() if each["Type"] == "AWS::Lambda::Version"
    ]
    assert version.endswith("0" * 32)
    (alias,) = [each for each in normal["Resources"].values() if each["Type"] == "AWS::Lambda::Alias"]
    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}


def test_a_template_without_resources() -> None:
    assert normal_form({"Description": "Nothing"}) == {"Description": "Nothing", "Resources": {}}
