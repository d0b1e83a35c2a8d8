"""What must hold for every template walks the list of scenes."""

import json
import tarfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import aws_cdk
import cdk_nag
import pytest
from aws_cdk import App, CloudFormationValidatePlugin, Environment, Stack, Stage, Validations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from cdk_preflight import Preflight
from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.rules import Rules
from cfnlint.runner import Runner, run_template_by_data
from syrupy.assertion import SnapshotAssertion

from constructs_lib.testing import normal_form
from tests.gallery import SCENES, built, stack_of, template_of
from tests.gallery.function import SCENES as FUNCTIONS
from tests.gallery.places import PLACES
from tests.records import recorded
from tests.template_files import FlagsFile, TemplateFile, difference, text_of

HERE = Path(__file__).parent
LOGICAL_IDS = HERE / "logical_ids.json"
MODES = ("bare", "flags")


def recommended_flags() -> dict[str, Any]:
    """What `cdk init` writes into a new project's cdk.json."""
    (archive,) = (Path(aws_cdk.__file__).parent / "_jsii").glob("aws-cdk-lib@*.tgz")
    with tarfile.open(archive) as tar:
        member = tar.extractfile("package/recommended-feature-flags.json")
        assert member is not None
        flags: dict[str, Any] = json.load(member)
    return flags


ENVIRONMENT = {"account": "123456789012", "region": "us-east-1"}


def gallery_app(
    outdir: Path, context: dict[str, Any], scenes: Iterable[str] = SCENES
) -> tuple[App, dict[str, Stack]]:
    zones = {"availability-zones:account=123456789012:region=us-east-1": [f"us-east-1{z}" for z in "abc"]}
    app = App(outdir=str(outdir), context=zones | context, analytics_reporting=False)
    return app, built(app, Environment(**ENVIRONMENT), scenes)


def synth_with_judges(app: App) -> list[str]:
    """Synthesize under cdk-nag's packs, cdk-preflight and CDK's own validator; name what they find."""
    Preflight.apply(app)
    Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(app), cdk_nag.ServerlessChecks(app), CloudFormationValidatePlugin()
    )
    report = Path(app.outdir) / "validation-report.json"
    try:
        app.synth()
    except RuntimeError:
        found = json.loads(report.read_text())
        return [
            f"{violation['ruleName']} at {place['constructPath']}"
            for plugin in found["pluginReports"]
            for violation in plugin["violations"]
            for place in violation["violatingConstructs"]
        ] or [report.read_text()]
    return []


@pytest.fixture(scope="module")
def findings() -> dict[str, list[str]]:
    return {}


@pytest.fixture(scope="module")
def templates(
    tmp_path_factory: pytest.TempPathFactory, findings: dict[str, list[str]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Every scene's template, bare and with all recommended feature flags, made under all judges."""
    made = {}
    for mode in MODES:
        folder = tmp_path_factory.mktemp(mode)
        context = recommended_flags() if mode == "flags" else {}
        app, stacks = gallery_app(folder, context | {"@aws-cdk/core:validateAgainstDefaultRules": True})
        findings[mode] = synth_with_judges(app)
        made[mode] = {name: template_of(stack) for name, stack in stacks.items()}
    return made


@pytest.mark.parametrize("scene", SCENES)
def test_template_is_as_reviewed(
    scene: str, templates: dict[str, dict[str, dict[str, Any]]], snapshot: SnapshotAssertion
) -> None:
    assert text_of(normal_form(templates["bare"][scene])) == snapshot(extension_class=TemplateFile)


@pytest.mark.parametrize("scene", SCENES)
def test_flags_change_what_was_reviewed(
    scene: str, templates: dict[str, dict[str, dict[str, Any]]], snapshot: SnapshotAssertion
) -> None:
    """A change of a construct is read once, above: here is what the feature flags change, an empty file included."""
    bare, flags = (text_of(normal_form(templates[mode][scene])) for mode in MODES)
    assert difference(bare, flags) == snapshot(extension_class=FlagsFile)


@pytest.mark.parametrize("mode", MODES)
def test_no_judge_has_a_finding(
    mode: str, templates: dict[str, dict[str, dict[str, Any]]], findings: dict[str, list[str]]
) -> None:
    assert templates
    assert findings[mode] == []


PLANTED: Final = ("queue_consumer", *PLACES)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Stack], list[str]]:
    """What is wrong, in a stack at each place where a scene lies, and what the judges found."""
    outdir = str(tmp_path_factory.mktemp("planted"))
    app = App(outdir=outdir, context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    stacks = {place: stack_of(app, place, Environment(**ENVIRONMENT)) for place in PLANTED}
    for stack in stacks.values():
        queue = sqs.Queue(stack, "Open")
        for name, batch_size in (("Eager", 100), ("Greedy", 100_000)):
            lambda_.CfnEventSourceMapping(
                stack,
                name,
                function_name="ship",
                event_source_arn=queue.queue_arn,
                batch_size=batch_size,
            )
    return stacks, synth_with_judges(app)


@pytest.mark.parametrize("place", PLANTED)
def test_judges_see_what_is_wrong(place: str, planted: tuple[dict[str, Stack], list[str]]) -> None:
    """What is planted where a scene lies is found by each judge: the silence above means something."""
    stacks, found = planted
    stack = stacks[place]
    path = stack.node.path
    assert f"AwsSolutions-SQS4 at {path}/Open/Resource" in found
    assert f"Serverless-SQSRedrivePolicy at {path}/Open/Resource" in found
    # Neither cdk-preflight nor CDK's own validator reads the template of a nested stack: cfn-lint alone does, below.
    assert (f"pf-lambda-esm-batchsize-window at {path}/Eager" in found) is not stack.nested
    assert (f"F3034 at {path}/Greedy" in found) is not stack.nested


def test_scenes_lie_where_their_names_say(templates: dict[str, dict[str, dict[str, Any]]]) -> None:
    tagged = [
        resource["Type"]
        for resource in templates["bare"]["patterns_in_a_tagged_stack"]["Resources"].values()
        if "rides" in json.dumps(resource.get("Properties", {}).get("Tags", ""))
    ]
    assert {"AWS::SQS::Queue", "AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage"} <= set(tagged)
    app = App()
    stacks = {place: stack_of(app, place, Environment(**ENVIRONMENT)) for place in PLACES}
    assert stacks["rest_api_in_a_nested_stack"].nested
    assert Stage.of(stacks["live_alias_in_a_stage"]) is not app
    assert stacks["http_api_in_another_region"].region == "eu-central-1"


@cache
def cfn_lint_rules() -> Rules:
    """Read cfn-lint's rules once, as its command does for all templates: that takes as long as applying them."""
    return Runner(ConfigMixIn()).rules


def cfn_lint(template: dict[str, Any], region: str) -> list[str]:
    # W3005: every L2 function depends on its role's policy and, needlessly, on the role.
    # W3010: the CDK looks zones up for a stack that says its account, and keeps them in cdk.context.json.
    config = ConfigMixIn(regions=[region], ignore_checks=["W3005", "W3010"])
    decoded, errors = decode_str(json.dumps(template))
    matches = errors or run_template_by_data(decoded, config, cfn_lint_rules())
    return [f"{match.rule.id} {match.message}" for match in matches]


def without_order(value: Any) -> Any:
    """Sort every list: the actions of a statement, which a flag sorts, are the same in any order."""
    if isinstance(value, dict):
        return {key: without_order(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted((without_order(each) for each in value), key=repr)
    return value


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scene", SCENES)
def test_cfn_lint_is_silent(scene: str, mode: str, templates: dict[str, dict[str, dict[str, Any]]]) -> None:
    bare, flags = (without_order(templates[each][scene]) for each in MODES)
    if mode == "flags" and flags == bare:
        return  # judged as the bare one
    region = "eu-central-1" if scene.endswith("in_another_region") else "us-east-1"
    assert cfn_lint(templates[mode][scene], region) == []


@pytest.mark.parametrize("time", ["at first", "again"])
def test_cfn_lint_sees_what_is_wrong(time: str) -> None:
    broken = {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 50000}}}}
    (found,) = cfn_lint(broken, "us-east-1")
    assert found.startswith("E3034 50000")
    elsewhere = {
        "Resources": {"A": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "Nobody"}}}}
    }
    assert any("Nobody" in each for each in cfn_lint(elsewhere, "eu-central-1"))


def test_logical_ids_are_public(templates: dict[str, dict[str, dict[str, Any]]]) -> None:
    """A changed id replaces the resource in somebody's account, with what is stored in it."""
    measured = {
        scene: {
            logical_id: resource["Type"]
            for logical_id, resource in normal_form(template)["Resources"].items()
        }
        for scene, template in templates["bare"].items()
    }
    assert measured == recorded(LOGICAL_IDS, measured)


def test_packaging_for_the_host_changes_asset_hashes_alone(
    tmp_path: Path, templates: dict[str, dict[str, dict[str, Any]]]
) -> None:
    """In the scenes of functions, and in two that have every construct (test_contract.py)."""
    packaged = (scene.__name__ for scene in FUNCTIONS if not scene.__name__.startswith("container_function"))
    scenes = [*packaged, "patterns_in_a_tagged_stack", "proxied_database"]
    app, stacks = gallery_app(tmp_path, {"constructs-lib:package-for": "host"}, scenes)
    app.synth()
    for_host = {name: template_of(stack) for name, stack in stacks.items()}
    for scene, template in for_host.items():
        assert normal_form(template) == normal_form(templates["bare"][scene])
        assert template != templates["bare"][scene], "the context did nothing"


def dimensions(value: Any) -> Iterator[tuple[str, Any]]:
    """The names and values of all dimensions in a part of a template, as properties or inside of metrics."""
    if isinstance(value, dict):
        if set(value) == {"Name", "Value"}:
            yield value["Name"], value["Value"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from dimensions(each)


@pytest.mark.parametrize("mode", MODES)
def test_alarms_of_a_proxy_name_it_as_rds_keeps_it(
    mode: str, templates: dict[str, dict[str, dict[str, Any]]]
) -> None:
    """RDS keeps names in lower case, and CloudWatch tells dimensions apart by case: the alarm would see nothing."""
    seen = 0
    for scene, template in templates[mode].items():
        resources = template["Resources"]
        for resource in resources.values():
            if resource["Type"] != "AWS::CloudWatch::Alarm":
                continue
            for name, value in dimensions(resource["Properties"]):
                if name == "ProxyName":
                    proxy = resources[value["Ref"]]
                    assert proxy["Type"] == "AWS::RDS::DBProxy", scene
                    value = proxy["Properties"]["DBProxyName"]
                    seen += 1
                if name in ("ProxyName", "DBInstanceIdentifier", "DBClusterIdentifier"):
                    assert isinstance(value, dict) or value == value.lower(), (scene, name, value)
    assert seen
