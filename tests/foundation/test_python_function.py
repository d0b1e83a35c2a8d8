"""The promises of PythonFunction about what is deployed; packaging has its own file."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import InvalidPropsError, KinesisConsumer, PythonFunction, QueueConsumer, _defaults
from constructs_lib.foundation.function import handler_code, interpreter, uv
from tests.gallery.parts import live
from tests.gallery.plain_function import HANDLERS, SAMPLE_FUNCTIONS, function
from tests.template import of_type, properties, template, the, warnings

NEWEST = lambda_.Runtime.PYTHON_3_14


def test_the_defaults_have_the_names_that_cdk_gives_them() -> None:
    """They are not asked of CDK for each function."""
    assert lambda_.Runtime.PYTHON_3_13.name == _defaults.PYTHON_RUNTIME
    assert lambda_.Architecture.ARM_64.name == _defaults.ARCHITECTURE


def test_defaults_are_in_the_template(stack: Stack) -> None:
    function(stack)
    properties = the(stack, "AWS::Lambda::Function")
    assert properties["Architectures"] == ["arm64"]
    assert properties["Timeout"] == 29
    assert properties["MemorySize"] == 512
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"


def test_a_disabled_function_reserves_nothing(stack: Stack) -> None:
    """A reserved concurrency of 0: Lambda throttles every invocation."""
    off, on = function(stack, disabled=True), function(stack, "On")
    assert properties(off)["ReservedConcurrentExecutions"] == 0
    assert "ReservedConcurrentExecutions" not in properties(on)


def test_what_reads_for_a_function_stays_when_it_is_disabled(stack: Stack) -> None:
    """Turning a function off is one argument: nothing in front of it must change too."""
    worker = function(stack, disabled=True)
    QueueConsumer(stack, "Consumer", function=live(worker), max_concurrency=5)
    KinesisConsumer(stack, "Reader", function=worker, stream=kinesis.Stream(stack, "Stream", shard_count=2))
    warned = [each for each in warnings(stack) if "reserved-concurrency-below-shards" in each]
    assert warned == []


def test_a_loop_is_stopped_unless_it_is_meant(stack: Stack) -> None:
    function(stack)
    assert the(stack, "AWS::Lambda::Function")["RecursiveLoop"] == "Terminate"
    meant = Stack(App(), "Meant")
    function(meant, recursive_loop=lambda_.RecursiveLoop.ALLOW)
    assert the(meant, "AWS::Lambda::Function")["RecursiveLoop"] == "Allow"


def test_logs_have_a_group_of_their_own_that_ends(stack: Stack) -> None:
    function(stack)
    group = the(stack, "AWS::Logs::LogGroup")
    assert group["RetentionInDays"] == 60
    (logical_id,) = of_type(stack, "AWS::Logs::LogGroup")
    properties = the(stack, "AWS::Lambda::Function")
    assert properties["LoggingConfig"]["LogGroup"] == {"Ref": logical_id}


def test_no_custom_resource_and_no_managed_policy(stack: Stack) -> None:
    function(stack)
    resources = template(stack)["Resources"]
    assert {resource["Type"] for resource in resources.values()} == {
        "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::Lambda::Function", "AWS::Logs::LogGroup",
    }  # fmt: skip
    assert "ManagedPolicyArns" not in the(stack, "AWS::IAM::Role")


def test_the_role_may_log_and_trace_and_nothing_else(stack: Stack) -> None:
    function(stack)
    (group,) = of_type(stack, "AWS::Logs::LogGroup")
    document = the(stack, "AWS::IAM::Policy")["PolicyDocument"]
    assert {str(s["Action"]): s["Resource"] for s in document["Statement"]} == {
        "['xray:PutTraceSegments', 'xray:PutTelemetryRecords']": "*",
        "['logs:CreateLogStream', 'logs:PutLogEvents']": {"Fn::GetAtt": [group, "Arn"]},
    }


NETWORK_INTERFACES = {
    f"ec2:{name}"
    for name in (
        "CreateNetworkInterface",
        "DescribeNetworkInterfaces",
        "DescribeSubnets",
        "DeleteNetworkInterface",
        "AssignPrivateIpAddresses",
        "UnassignPrivateIpAddresses",
    )
}


def test_in_a_vpc_lambda_may_join_it_and_the_code_may_not(stack: Stack) -> None:
    """Calls of the code carry the ARN of the function, calls of Lambda itself do not."""
    function(stack, vpc=ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0))
    (role,) = [
        resource
        for resource in of_type(stack, "AWS::IAM::Role").values()
        if "lambda.amazonaws.com" in str(resource)
    ]
    assert "ManagedPolicyArns" not in role
    statements = the(stack, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    of_ec2 = {each["Effect"]: each for each in statements if "ec2:" in str(each["Action"])}
    assert set(of_ec2) == {"Allow", "Deny"}
    assert set(of_ec2["Allow"]["Action"]) == set(of_ec2["Deny"]["Action"]) == NETWORK_INTERFACES
    assert "Condition" not in of_ec2["Allow"]
    functions = of_ec2["Deny"]["Condition"]["ArnLike"]["lambda:SourceFunctionArn"]
    assert functions["Fn::Join"][1][-1] == ":function:*"


def test_subnets_and_security_groups_are_as_given(stack: Stack) -> None:
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=1)
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc)
    function(
        stack,
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=vpc.private_subnets[:1]),
        security_groups=[group],
    )
    assert the(stack, "AWS::Lambda::Function")["VpcConfig"] == {
        "SubnetIds": [stack.resolve(vpc.private_subnets[0].subnet_id)],
        "SecurityGroupIds": [stack.resolve(group.security_group_id)],
    }


def test_outside_of_a_vpc_the_template_has_none_of_its_settings(stack: Stack) -> None:
    function(stack)
    assert "VpcConfig" not in the(stack, "AWS::Lambda::Function")
    assert "ec2:" not in str(the(stack, "AWS::IAM::Policy"))


def test_a_missing_interpreter_is_reported_once(
    app: App, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "find", lambda minor: None)
    for name in ("One", "Two"):
        function(stack, name, bytecode=None)
    app.synth()
    said = "".join(path.read_text() for path in Path(app.outdir).glob("*.json"))
    assert said.count("No python3.13 found") == 1


def test_layers_count_into_the_unzipped_size(stack: Stack, tmp_path: Path) -> None:
    large = tmp_path / "layer"
    large.mkdir()
    with (large / "data.bin").open("wb") as file:
        file.truncate(251 * 1024 * 1024)  # sparse: costs no disk
    layer = lambda_.LayerVersion(stack, "Layer", code=lambda_.Code.from_asset(str(large)))
    with pytest.raises(InvalidPropsError, match=r"251\.0 MB unzipped \(of which layers: 251\.0 MB\)"):
        PythonFunction(
            stack, "F", entry=HANDLERS / "plain", handler="app.handle", layers=[layer], bytecode=False
        )


def test_the_handler_may_come_with_a_dependency(stack: Stack) -> None:
    """The wrappers of monitoring tools do this; a typo is found all the same."""
    entry = SAMPLE_FUNCTIONS / "complete_trip"
    handler = "aws_lambda_powertools.utilities.batch.process_partial_response"
    function(stack, entry=entry, handler=handler, include_runtime=True)
    with pytest.raises(InvalidPropsError, match=r"Did you mean 'process_partial_response'\?"):
        function(stack, "Typo", entry=entry, handler=f"{handler}s", include_runtime=True)


def test_functions_of_one_stack_share_a_package(app: App) -> None:
    """A stack has no part in the code of another one: CDK refuses that."""
    stacks = Stack(app, "One"), Stack(app, "Two")
    for stack in stacks:
        for number in range(2):
            PythonFunction(stack, f"F{number}", entry=HANDLERS / "plain", handler="app.handle")
    for stack in stacks:
        assets = [child for child in stack.node.find_all() if isinstance(child, s3_assets.Asset)]
        functions = of_type(stack, "AWS::Lambda::Function").values()
        assert len(assets) == 1
        assert len({json.dumps(each["Code"]) for each in functions}) == 1
        assert len(functions) == 2


def test_the_runtime_is_packaged_when_asked_for(stack: Stack) -> None:
    plain, with_runtime = function(stack, "Plain"), function(stack, "WithRuntime", include_runtime=True)
    runtime = "constructs_lib/runtime/database.py"
    assert not (plain.package.path / runtime).exists()
    assert (with_runtime.package.path / runtime).is_file()
    assert with_runtime.package.asset_hash != plain.package.asset_hash


# --- what an organization asks for ---------------------------------------------------------------------


def test_names_keys_and_logs_of_an_organization(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    log_group = logs.LogGroup(stack, "Logs", encryption_key=key)
    function(
        stack,
        function_name="orders-ship",
        log_group=log_group,
        environment={"LEVEL": "1"},
        environment_encryption=key,
    )
    properties = the(stack, "AWS::Lambda::Function")
    assert properties["FunctionName"] == "orders-ship"
    assert properties["KmsKeyArn"] == stack.resolve(key.key_arn)
    assert properties["LoggingConfig"]["LogGroup"] == stack.resolve(log_group.log_group_name)
    assert len(of_type(stack, "AWS::Logs::LogGroup")) == 1
    statements = the(stack, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    (writing,) = (statement for statement in statements if "logs:PutLogEvents" in statement["Action"])
    assert writing["Resource"] == stack.resolve(log_group.log_group_arn)
    assert "kms:" not in str(statements)


def test_roles_that_were_made_before_are_used(app: App) -> None:
    """The CDK's own way for organizations where an app may make no roles."""
    iam.Role.customize_roles(app, use_precreated_roles={"Stack/FunctionRole": "made-before"})
    stack = Stack(app, "Stack")
    function(stack)
    resources = template(stack)["Resources"].values()
    assert not [resource for resource in resources if resource["Type"].startswith("AWS::IAM::")]
    (role,) = (resource["Properties"]["Role"] for resource in resources if "Role" in resource["Properties"])
    assert role["Fn::Join"][1][-1] == ":role/made-before"


def test_without_tracing_the_role_has_no_right_to_trace(stack: Stack) -> None:
    function(stack, tracing=lambda_.Tracing.DISABLED)
    assert "TracingConfig" not in the(stack, "AWS::Lambda::Function")
    assert "xray" not in str(the(stack, "AWS::IAM::Policy"))


def test_report_lines_are_kept_unless_they_are_not_wanted(stack: Stack) -> None:
    function(stack)
    assert the(stack, "AWS::Lambda::Function")["LoggingConfig"]["SystemLogLevel"] == "INFO"
    cheap = Stack(App(), "Cheap")
    function(cheap, system_log_level=lambda_.SystemLogLevel.WARN)
    assert the(cheap, "AWS::Lambda::Function")["LoggingConfig"]["SystemLogLevel"] == "WARN"


@pytest.mark.parametrize(
    "make",
    [function, sqs.Queue],
    ids=["a function", "a construct whose parts have other ids"],
)
def test_an_id_that_is_taken_is_named_as_it_was_written(
    stack: Stack, make: Callable[[Stack, str], Construct]
) -> None:
    make(stack, "Ship")
    before = {child.node.id for child in stack.node.children}
    with pytest.raises(InvalidPropsError, match=r"got 'Ship', which Stack already has"):
        function(stack, "Ship")
    assert {child.node.id for child in stack.node.children} == before


# --- the VPC -------------------------------------------------------------------------------------------


def test_a_function_may_be_in_public_subnets_if_it_is_meant(stack: Stack) -> None:
    public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
    function(stack, vpc=ec2.Vpc(stack, "Vpc", subnet_configuration=[public]), allow_public_subnet=True)
    assert len(the(stack, "AWS::Lambda::Function")["VpcConfig"]["SubnetIds"]) == 2


def in_a_vpc(stack: Stack) -> tuple[bool, bool, bool]:
    """Whether a function is in a VPC, whether Lambda may delete its interfaces, and whether it has a group."""
    statements = the(stack, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    return (
        "VpcConfig" in the(stack, "AWS::Lambda::Function"),
        any("ec2:DeleteNetworkInterface" in statement["Action"] for statement in statements),
        bool(of_type(stack, "AWS::EC2::SecurityGroup")),
    )


def test_a_function_leaves_a_vpc_in_two_deployments() -> None:
    """In the first deployment Lambda still needs the permission, or the network interfaces and the group stay."""
    inside, leaving, outside = (Stack(App(), "Stack") for _ in range(3))
    for each, arguments in ((inside, {"vpc": True}), (leaving, {"leaving_vpc": True}), (outside, {})):
        vpc = ec2.Vpc(each, "Vpc", max_azs=2, nat_gateways=0, restrict_default_security_group=False)
        function(each, **({"vpc": vpc} if "vpc" in arguments else arguments))
    assert in_a_vpc(inside) == (True, True, True)
    assert in_a_vpc(leaving) == (False, True, False)
    assert in_a_vpc(outside) == (False, False, False)
    # A policy that does not change is not updated before the function is.
    assert the(inside, "AWS::IAM::Policy") == the(leaving, "AWS::IAM::Policy")


# --- Regions without loop detection --------------------------------------------------------------------


def test_loop_detection_can_be_left_out(stack: Stack) -> None:
    function(stack, recursive_loop=None)
    assert "RecursiveLoop" not in the(stack, "AWS::Lambda::Function")


# --- what is said about the code -----------------------------------------------------------------------


def notes(app: App) -> str:
    app.synth()
    return "".join(path.read_text() for path in Path(app.outdir).glob("*.json"))


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


HANDLE = "def handle(event, context): ...\n"


def layer(stack: Stack) -> lambda_.ILayerVersion:
    return lambda_.LayerVersion(stack, "Layer", code=lambda_.Code.from_asset(str(HANDLERS / "plain")))


def test_an_import_that_nothing_provides_is_a_warning(app: App, stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "poetry.lock").write_text("")
    entry = written(tmp_path / "fn", app=f"import requests\n{HANDLE}")
    function(stack, entry=entry)
    function(stack, "WithLayer", entry=entry, layers=[layer(stack)])
    function(stack, "WithPath", entry=entry, environment={"PYTHONPATH": "/mnt/libraries"})
    said = notes(app)
    assert said.count("app.py imports requests (line 1), and nothing provides it") == 1
    assert (
        f"{tmp_path}/poetry.lock is not read: only a uv.lock or requirements.txt in entry itself is, or"
        in said
    )
    assert "constructs-lib:import-requests" in said


@pytest.mark.parametrize(
    ("provided", "warned"), [([], True), (["psycopg_binary"], False), (["psycopg_c"], False)]
)
def test_psycopg_without_libpq_is_a_warning(
    app: App, stack: Stack, tmp_path: Path, provided: list[str], warned: bool
) -> None:
    """It works on the machine that packages it, which has a libpq, and fails at its import on Lambda."""
    modules = {f"{name}__core": "" for name in ("psycopg", *provided)}
    entry = written(tmp_path / "fn", app=f"import psycopg\n{HANDLE}", **modules)
    function(stack, entry=entry)
    function(stack, "WithLayer", entry=entry, layers=[layer(stack)])
    assert notes(app).count("has psycopg and not libpq") == int(warned)


def test_an_import_of_what_git_ignores_is_a_warning(app: App, stack: Stack, tmp_path: Path) -> None:
    entry = written(tmp_path / "fn", app=f"from generated import orders\n{HANDLE}", generated__orders="")
    (entry / ".gitignore").write_text("generated/\n")
    function(stack, entry=entry)
    function(stack, "Included", entry=entry, include=["generated"])
    said = notes(app)
    assert (
        said.count("app.py imports generated.orders (line 1), which is in entry and not in the package") == 1
    )


@pytest.mark.parametrize("ignored", ["*.py\n", "/app.py\n", ""])
def test_a_handler_that_is_left_out_is_refused(stack: Stack, tmp_path: Path, ignored: str) -> None:
    entry = written(tmp_path / "fn", app=HANDLE)
    (entry / ".gitignore").write_text(ignored)
    with pytest.raises(InvalidPropsError, match=r"app\.py, which is not packaged"):
        function(stack, entry=entry, exclude=[] if ignored else ["app.py"])
    if ignored:
        assert (function(stack, entry=entry, include=["app.py"]).package.path / "app.py").is_file()


def test_code_in_src_is_packaged_without_src(app: App, stack: Stack, tmp_path: Path) -> None:
    files = {"src__orders__app": f"import orders.prices\n{HANDLE}", "src__orders__prices": ""}
    entry = written(tmp_path / "fn", **files)
    package = function(stack, entry=entry, handler="orders.app.handle").package
    assert (package.path / "orders" / "prices.py").is_file()
    function(stack, "WithSrc", entry=entry, handler="src.orders.app.handle")
    path = {"PYTHONPATH": "/var/task/src:/var/runtime"}
    function(stack, "WithPath", entry=entry, handler="src.orders.app.handle", environment=path)
    text = "It is in src: pass handler='orders.app.handle', with which the content of src is packaged."
    assert notes(app).count(text) == 1


def test_syntax_that_no_python_here_can_judge_is_a_warning(
    app: App, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "find", lambda minor: None)
    monkeypatch.setattr(handler_code, "_HOST", (3, 11))
    function(stack, entry=written(tmp_path / "fn", app="def handle(event, context)\n"), runtime=NEWEST)
    assert "no Python 3.14 was found to tell newer syntax from an error" in notes(app)


# --- handlers of layers --------------------------------------------------------------------------------


def test_the_handler_may_come_with_a_layer(app: App, stack: Stack) -> None:
    layers = [layer(stack)]
    wrapped = function(stack, "Wrapped", handler="datadog_lambda.handler.handler", layers=layers)
    assert (wrapped.package.path / "app.py").is_file()
    function(stack, "Typo", handler="ap.handle", layers=layers)
    with pytest.raises(InvalidPropsError, match="Did you mean 'handle'"):
        function(stack, "Known", handler="app.handel", layers=layers)
    with pytest.raises(InvalidPropsError, match="Did you mean 'app'"):
        function(stack, "WithoutLayer", handler="ap.handle")
    assert re.findall(r"handler names the module '([^']*)'[^\"]* It is expected", notes(app)) == ["ap"]


# --- without packaging ---------------------------------------------------------------------------------


@pytest.fixture
def without_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither uv nor another Python may be called."""

    def refuse(*_: object, **__: object) -> str:
        raise AssertionError("a tool was called")

    monkeypatch.setattr(uv, "run", refuse)
    monkeypatch.setattr(interpreter, "find", refuse)


def bundling(outdir: Path, stacks: list[str]) -> App:
    context = {"aws:cdk:bundling-stacks": stacks}
    return App(outdir=str(outdir), context=context, analytics_reporting=False)


NOT_TO_BE_HAD: dict[str, dict[str, Any]] = {
    "Dependencies": {"entry": SAMPLE_FUNCTIONS / "complete_trip", "handler": "handler.handle"},
    "Entry": {"entry": "/nowhere"},
    "Bytecode": {"bytecode": True},
    "Typo": {"handler": "app.handel"},
}


@pytest.mark.usefixtures("without_tools", "cache")
@pytest.mark.parametrize("arguments", NOT_TO_BE_HAD.values(), ids=NOT_TO_BE_HAD)
def test_nothing_is_packaged_for_a_stack_that_is_not_selected(
    tmp_path: Path, arguments: dict[str, Any]
) -> None:
    """`cdk ls` and `cdk destroy` run an app like this, also where a package cannot be built."""
    app = bundling(tmp_path / "out", [])
    package = function(Stack(app, "Stack"), **{"bytecode": None, **arguments}).package
    app.synth()
    assert package.is_placeholder
    assert [path.name for path in package.path.iterdir()] == ["NOT_PACKAGED.txt"]
    assert package.unzipped_bytes == sum(package.sizes.values()) < 1000


@pytest.mark.usefixtures("without_tools", "cache")
def test_arguments_are_checked_without_packaging(tmp_path: Path) -> None:
    stack = Stack(bundling(tmp_path / "out", []), "Stack")
    with pytest.raises(InvalidPropsError, match="memory_size"):
        function(stack, memory_size=1)


@pytest.mark.usefixtures("cache")
def test_templates_without_packaging_differ_in_the_asset_alone(tmp_path: Path) -> None:
    def text_of(app: App) -> str:
        stack = Stack(app, "Stack")
        function(stack)
        return json.dumps(template(stack))

    packaged = text_of(App(outdir=str(tmp_path / "plain"), analytics_reporting=False))
    selected = text_of(bundling(tmp_path / "all", ["Stack"]))
    without = text_of(bundling(tmp_path / "no", []))
    assert selected == packaged != without
    asset = r'"S3Key": "[0-9a-f]{64}\.zip"'
    assert re.sub(asset, "", without) == re.sub(asset, "", packaged)


@pytest.mark.usefixtures("cache")
def test_a_placeholder_never_stands_in_for_a_package(tmp_path: Path) -> None:
    """The app is synthesized into one folder, first without packaging and then with it for one of two stacks."""
    for stacks in ([], ["Two"]):
        app = bundling(tmp_path / "out", stacks)
        one, two = (function(Stack(app, name), "F").package for name in ("One", "Two"))
        app.synth()
    assert (one.is_placeholder, two.is_placeholder) == (True, False)
    staged = {path.name for path in (tmp_path / "out").glob("asset.*/*")}
    assert staged == {"NOT_PACKAGED.txt", "app.py"}
    names = [
        re.findall(
            r'"S3Key": "([0-9a-f]{64})\.zip"', (tmp_path / "out" / f"{name}.template.json").read_text()
        )
        for name in ("One", "Two")
    ]
    assert (tmp_path / "out" / f"asset.{names[1][0]}" / "app.py").is_file()
    assert names[0] != names[1]
