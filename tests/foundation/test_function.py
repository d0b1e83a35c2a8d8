"""The promises of PythonFunction about what is deployed; packaging has its own file."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from constructs_lib import InvalidPropsError, PythonFunction
from constructs_lib.foundation import interpreter
from tests.gallery.plain_function import HANDLERS, SAMPLE_FUNCTIONS, function


def only(stack: Stack, kind: str) -> dict[str, Any]:
    (resource,) = Template.from_stack(stack).find_resources(kind).values()
    return dict(resource)


def test_defaults_are_said_in_the_template(stack: Stack) -> None:
    function(stack)
    properties = only(stack, "AWS::Lambda::Function")["Properties"]
    assert properties["Architectures"] == ["arm64"]
    assert properties["Timeout"] == 30
    assert properties["MemorySize"] == 512
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"


def test_a_loop_is_stopped_unless_it_is_meant(stack: Stack) -> None:
    function(stack)
    assert only(stack, "AWS::Lambda::Function")["Properties"]["RecursiveLoop"] == "Terminate"
    meant = Stack(App(), "Meant")
    function(meant, recursive_loop=lambda_.RecursiveLoop.ALLOW)
    assert only(meant, "AWS::Lambda::Function")["Properties"]["RecursiveLoop"] == "Allow"


def test_logs_have_a_group_of_their_own_that_ends(stack: Stack) -> None:
    function(stack)
    group = only(stack, "AWS::Logs::LogGroup")
    assert group["Properties"]["RetentionInDays"] == 60
    (logical_id,) = Template.from_stack(stack).find_resources("AWS::Logs::LogGroup")
    properties = only(stack, "AWS::Lambda::Function")["Properties"]
    assert properties["LoggingConfig"]["LogGroup"] == {"Ref": logical_id}


def test_no_custom_resource_and_no_managed_policy(stack: Stack) -> None:
    function(stack)
    resources = Template.from_stack(stack).to_json()["Resources"]
    assert {resource["Type"] for resource in resources.values()} == {
        "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::Lambda::Function", "AWS::Logs::LogGroup",
    }  # fmt: skip
    assert "ManagedPolicyArns" not in only(stack, "AWS::IAM::Role")["Properties"]


def test_the_role_may_log_and_trace_and_nothing_else(stack: Stack) -> None:
    function(stack)
    (group,) = Template.from_stack(stack).find_resources("AWS::Logs::LogGroup")
    document = only(stack, "AWS::IAM::Policy")["Properties"]["PolicyDocument"]
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
        resource["Properties"]
        for resource in Template.from_stack(stack).find_resources("AWS::IAM::Role").values()
        if "lambda.amazonaws.com" in str(resource)
    ]
    assert "ManagedPolicyArns" not in role
    statements = only(stack, "AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
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
    assert only(stack, "AWS::Lambda::Function")["Properties"]["VpcConfig"] == {
        "SubnetIds": [stack.resolve(vpc.private_subnets[0].subnet_id)],
        "SecurityGroupIds": [stack.resolve(group.security_group_id)],
    }


def test_outside_of_a_vpc_nothing_is_said_of_one(stack: Stack) -> None:
    function(stack)
    assert "VpcConfig" not in only(stack, "AWS::Lambda::Function")["Properties"]
    assert "ec2:" not in str(only(stack, "AWS::IAM::Policy"))


def test_a_missing_interpreter_is_said_once(app: App, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "find", lambda minor: None)
    for name in ("One", "Two"):
        function(stack, name, bytecode=None)
    app.synth()
    said = "".join(path.read_text() for path in Path(app.outdir).glob("*.json"))
    assert said.count("No python3.13 found") == 1


def test_bytecode_can_be_demanded(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "find", lambda minor: None)
    with pytest.raises(InvalidPropsError, match=r"bytecode=True needs a Python 3\.13"):
        function(stack, bytecode=True)


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
    """As the wrappers of monitoring tools do; a typo in it is found all the same."""
    entry = SAMPLE_FUNCTIONS / "complete_trip"
    handler = "aws_lambda_powertools.utilities.batch.process_partial_response"
    function(stack, entry=entry, handler=handler, include_runtime=True)
    with pytest.raises(InvalidPropsError, match="handler names the module"):
        function(stack, "Typo", entry=entry, handler=f"{handler}s", include_runtime=True)


def test_the_runtime_is_packaged_when_asked_for(stack: Stack) -> None:
    plain, with_runtime = function(stack, "Plain"), function(stack, "WithRuntime", include_runtime=True)
    runtime = "constructs_lib/runtime/database.py"
    assert not (plain.package.path / runtime).exists()
    assert (with_runtime.package.path / runtime).is_file()
    assert with_runtime.package.asset_hash != plain.package.asset_hash
