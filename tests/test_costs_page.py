"""docs/costs.md lists whatever the constructs deploy, and each log group has a retention."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

TESTS: Final = Path(__file__).parent
PAGE: Final = (TESTS.parent / "docs" / "costs.md").read_text()
LISTED: Final = re.findall(r"`(AWS::\w+::\w+)`", PAGE)
SCENES: Final = {
    file.name.partition(".")[0]: file
    for file in sorted((TESTS / "__snapshots__" / "test_gallery").glob("*.bare.json"))
}


def resources(file: Path) -> dict[str, dict[str, Any]]:
    """The resources of a scene, as its snapshot has them: test_gallery.py holds that it is the template."""
    found: dict[str, dict[str, Any]] = json.loads(file.read_text())["Resources"]
    return found


@pytest.mark.parametrize("scene", SCENES)
def test_what_a_scene_deploys_is_on_the_page(scene: str) -> None:
    types = {each["Type"] for each in resources(SCENES[scene]).values()}
    assert {name for name in types if name.startswith("AWS::")} - set(LISTED) <= {
        "AWS::CloudFormation::Stack",
        "AWS::CloudFormation::CustomResource",
    }


def test_the_page_lists_only_what_a_scene_deploys() -> None:
    types = {each["Type"] for file in SCENES.values() for each in resources(file).values()}
    assert set(LISTED) <= types


@pytest.mark.parametrize("scene", SCENES)
def test_each_log_group_has_a_retention(scene: str) -> None:
    """Its storage is paid for as long as it is kept."""
    for name, each in resources(SCENES[scene]).items():
        if each["Type"] == "AWS::Logs::LogGroup":
            assert each["Properties"]["RetentionInDays"] > 0, name
