"""A published version outlives its resource while an alias names it, and becomes active."""

import json

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

pytestmark = pytest.mark.cloud

CODE = "def handler(event, context):\n    return {{'code': '{code}'}}\n"


def test_a_version_that_an_alias_names_outlives_its_resource(cloud: LocalCloud) -> None:
    functions = cloud.client("lambda")
    name = ""
    for number, code in enumerate(("old", "new"), start=1):
        resources = {
            "Function": stacks.function(CODE.format(code=code)),
            f"Version{number}": {
                "Type": "AWS::Lambda::Version",
                "Properties": {"FunctionName": {"Ref": "Function"}},
            },
            "Live": {
                "Type": "AWS::Lambda::Alias",
                "DependsOn": f"Version{number}",
                "Properties": {"FunctionName": {"Ref": "Function"}, "Name": "live", "FunctionVersion": "1"},
            },
        }
        name = stacks.put(cloud, "weights-versions", resources)["Function"]
    found = functions.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in found] == ["$LATEST", "1", "2"]
    assert json.load(functions.invoke(FunctionName=f"{name}:live")["Payload"])["code"] == "old"
    # The second was published while the function was being updated.
    assert {version["State"] for version in found[1:]} == {"Active"}
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    stacks.put(cloud, "weights-versions", {"Function": stacks.function(CODE.format(code="new"))})
    found = functions.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in found] == ["$LATEST", "1"]
