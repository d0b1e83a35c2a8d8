"""What the values of templates mean, in whichever template they stand."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnOutput, CfnParameter, Environment, Fn, NestedStack, PhysicalName, Stack, Stage
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs_lib.practice.assembly import Assembly, Template
from tests.gallery.plain_function import function

RESOURCES = {
    "Named": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}},
    "Queue": {"Type": "AWS::SQS::Queue"},
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "uploads"}},
    "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "trips"}},
    "Table": {"Type": "AWS::DynamoDB::Table"},
    "Worker": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "worker"}},
    "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Worker"}}},
    "Live": {
        "Type": "AWS::Lambda::Alias",
        "Properties": {
            "FunctionName": {"Fn::GetAtt": ["Worker", "Arn"]},
            "Name": "live",
            "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
        },
    },
    "Other": {"Type": "AWS::EC2::VPC"},
}
ACCOUNT = {"Ref": "AWS::AccountId"}
REGION = {"Ref": "AWS::Region"}


def template(**sections: Any) -> Template:
    return Assembly.of({"Stack": {"Resources": RESOURCES, **sections}}).templates[0]


def joined(*parts: Any) -> dict[str, Any]:
    return {"Fn::Join": ["", list(parts)]}


SAME: dict[str, tuple[Any, Any]] = {
    "attribute and text": (
        {"Fn::GetAtt": ["Named", "Arn"]},
        joined("arn:", {"Ref": "AWS::Partition"}, ":sqs:", REGION, ":", ACCOUNT, ":jobs"),
    ),
    "attribute with a dot": ({"Fn::GetAtt": "Queue.Arn"}, {"Fn::GetAtt": ["Queue", "Arn"]}),
    "another partition": ("arn:aws-cn:s3:::uploads", {"Fn::GetAtt": ["Bucket", "Arn"]}),
    "substitution": (
        {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Queue.QueueName}"},
        {"Fn::GetAtt": ["Queue", "Arn"]},
    ),
    "substitution with variables": ({"Fn::Sub": ["${It}/x", {"It": {"Ref": "Bucket"}}]}, "uploads/x"),
    "literal substitution": ({"Fn::Sub": "${!Literal}"}, "${Literal}"),
    "reference of a topic": ({"Ref": "Topic"}, {"Fn::GetAtt": ["Topic", "TopicArn"]}),
    "name of a topic": (
        joined("arn:aws:sns:", REGION, ":", ACCOUNT, ":", {"Fn::GetAtt": ["Topic", "TopicName"]}),
        {"Ref": "Topic"},
    ),
    "name of a bus": ({"Ref": "Bus"}, {"Fn::GetAtt": ["Bus", "Name"]}),
    "alias": ({"Ref": "Live"}, joined({"Fn::GetAtt": ["Worker", "Arn"]}, ":live")),
    "version": (
        {"Ref": "Version"},
        joined({"Fn::GetAtt": ["Worker", "Arn"]}, ":", {"Fn::GetAtt": ["Version", "Version"]}),
    ),
    "a part of an ARN": ({"Fn::Select": [6, {"Fn::Split": [":", {"Ref": "Live"}]}]}, "worker"),
    "one of a list": ({"Fn::Select": ["1", ["a", {"Ref": "Bus"}]]}, "trips"),
    "condition without a value": ({"Fn::If": ["C", {"Ref": "Bus"}, {"Ref": "AWS::NoValue"}]}, "trips"),
    "condition with one value": ({"Fn::If": ["C", "trips", {"Ref": "Bus"}]}, "trips"),
    "mapping": ({"Fn::FindInMap": ["Names", "prod", "bus"]}, {"Ref": "Bus"}),
    "stack": ({"Ref": "AWS::StackName"}, "Stack"),
    "joined with a delimiter": ({"Fn::Join": ["-", ["a", 1, True]]}, "a-1-true"),
}


@pytest.mark.parametrize("case", SAME)
def test_two_spellings_mean_the_same(case: str) -> None:
    first, second = SAME[case]
    here = template(Mappings={"Names": {"prod": {"bus": "trips"}}})
    assert here.text(first) == here.text(second)


DIFFERENT: dict[str, tuple[Any, Any]] = {
    "two queues": ({"Fn::GetAtt": ["Queue", "Arn"]}, {"Fn::GetAtt": ["Named", "Arn"]}),
    "a queue's URL": ({"Ref": "Queue"}, {"Fn::GetAtt": ["Queue", "Arn"]}),
    "a parameter": ({"Ref": "Parameter"}, "its default"),
    "a condition": ({"Fn::If": ["C", "a", "b"]}, "a"),
    "zones": ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, {"Fn::Select": [1, {"Fn::GetAZs": ""}]}),
    "account": (ACCOUNT, REGION),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_is_known_at_deployment_is_equal_to_itself_alone(case: str) -> None:
    first, second = DIFFERENT[case]
    here = template(Parameters={"Parameter": {"Type": "String", "Default": "its default"}})
    assert here.text(first) == here.text(first)
    assert here.text(first) != here.text(second)


@pytest.mark.parametrize(
    "odd",
    [
        {"Fn::Join": "text"},
        {"Fn::Join": ["", {"Ref": "Parameter"}]},
        {"Fn::Select": [7, ["a"]]},
        {"Fn::Select": [0, {"Ref": "Parameter"}]},
        {"Fn::Split": ["", "a"]},
        {"Fn::Sub": ["a"]},
        {"Fn::Sub": 7},
        {"Fn::GetAtt": ["Absent", "Arn"]},
        {"Fn::GetAtt": ["Queue"]},
        {"Fn::GetAtt": 7},
        {"Fn::FindInMap": ["Absent", "a", "b"]},
        {"Fn::ImportValue": "absent"},
        {"Fn::GetStackOutput": {"StackName": "absent", "OutputName": "x"}},
        {"Fn::GetStackOutput": "absent"},
        {"Fn::Transform": {"Name": "AWS::Include"}},
        {"Ref": "Absent"},
        {"Ref": ["Absent"]},
        {"Fn::If": ["C"]},
        {"Fn::Base64": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_not_known(odd: Any) -> None:
    here = template()
    assert len(here.text(odd)) == 1
    assert here.assembly.unknowns(here.text(odd)) == [here.text(odd)]
    assert here.text(odd) == here.text(json.loads(json.dumps(odd)))


@pytest.mark.parametrize(
    ("named", "qualifier"),
    [
        ("worker", "$LATEST"),
        ("worker:live", "live"),
        (joined(ACCOUNT, ":function:worker"), "$LATEST"),
        (joined(ACCOUNT, ":function:worker:live"), "live"),
        ({"Ref": "Worker"}, "$LATEST"),
        ({"Fn::GetAtt": ["Worker", "Arn"]}, "$LATEST"),
        ({"Ref": "Live"}, "live"),
        (joined({"Ref": "Worker"}, ":live"), "live"),
        (joined("arn:aws:lambda:", REGION, ":", ACCOUNT, ":function:worker:live"), "live"),
    ],
    ids=str,
)
def test_a_function_is_known_by_each_of_its_names(named: Any, qualifier: str) -> None:
    here = template()
    assert here.function(here.text(named)) == (here.resources["Worker"].arn, qualifier)


def test_a_function_with_a_generated_name_is_known_too() -> None:
    here = Assembly.of({"Stack": {"Resources": {"F": {"Type": "AWS::Lambda::Function"}}}}).templates[0]
    assert here.function(here.text({"Ref": "F"})) == (here.resources["F"].arn, "$LATEST")


def test_a_parameter_that_names_a_function_is_equal_to_itself() -> None:
    here = template(Parameters={"Function": {"Type": "String"}})
    given = here.text({"Ref": "Function"})
    assert here.function(given) == (given, "$LATEST")


def test_a_template_may_have_nothing_and_odd_things() -> None:
    odd = {
        "Resources": {
            "A": "text",
            "B": {},
            "Fn::ForEach::C": ["X", [], {}],
            "D": {"Type": "X", "Properties": 7},
        }
    }
    assembly = Assembly.of({"Nothing": {}, "Null": None, "Odd": odd})
    assert [resource.logical_id for resource in assembly.of_type("X")] == ["D"]
    assert next(assembly.of_type("X")).get("A", "B") is None


# --- from one template of an app to another --------------------------------------------------------------


def outputs(app: App, **values: tuple[Stack, str]) -> dict[str, str]:
    """What the values mean in their stacks, after a synth."""
    for name, (stack, value) in values.items():
        CfnOutput(stack, name, value=value)
    app.synth()
    assembly = Assembly.read(Path(app.outdir))
    found = {}
    for template in assembly.templates:
        for name, output in template.section("Outputs").items():
            if name in values:
                found[name] = assembly.shown(template.text(output["Value"]))
    return found


def test_exports_are_followed(app: App, stack: Stack) -> None:
    queue = sqs.Queue(stack, "Queue")
    assert outputs(app, There=(Stack(app, "There"), queue.queue_arn)) == {"There": "Stack/Queue"}


def test_weak_references_are_followed(tmp_path: Path) -> None:
    context = {"@aws-cdk/core:defaultCrossStackReferences": "weak"}
    app = App(outdir=str(tmp_path), context=context)
    queue = sqs.Queue(Stack(app, "Stack"), "Queue")
    found = outputs(app, There=(Stack(app, "There"), queue.queue_arn))
    assert "Fn::GetStackOutput" in (tmp_path / "There.template.json").read_text()
    assert found == {"There": "Stack/Queue"}


def test_parameters_and_outputs_of_nested_stacks_are_followed(app: App, stack: Stack) -> None:
    topic = sns.Topic(stack, "Topic")
    nested = NestedStack(stack, "Nested")
    inner = NestedStack(nested, "Inner")
    deep = sqs.Queue(inner, "Deep")
    assert outputs(
        app,
        Down=(inner, topic.topic_arn),
        Up=(stack, deep.queue_arn),
        Over=(Stack(app, "There"), deep.queue_arn),
    ) == {"Down": "Stack/Topic", "Up": "Stack/Nested/Inner/Deep", "Over": "Stack/Nested/Inner/Deep"}


def test_nested_stacks_with_the_same_logical_ids_are_kept_apart(app: App, stack: Stack) -> None:
    queues = {
        name: sqs.Queue(NestedStack(NestedStack(stack, name), "Inner"), "Queue")
        for name in ("One", "Another")
    }
    assert outputs(app, **{f"Arn{name}": (stack, queue.queue_arn) for name, queue in queues.items()}) == {
        f"Arn{name}": f"Stack/{name}/Inner/Queue" for name in queues
    }


@pytest.mark.parametrize("in_a_stage", [False, True])
def test_references_to_another_region_are_followed(app: App, in_a_stage: bool) -> None:
    scope = Stage(app, "Prod") if in_a_stage else app
    here, there = (
        Stack(
            scope,
            name,
            env=Environment(account="111111111111", region=region),
            cross_region_references=True,
        )
        for name, region in (("Here", "us-east-1"), ("There", "eu-west-1"))
    )
    topic = sns.Topic(here, "Topic")
    prefix = "Prod/" if in_a_stage else ""
    assert outputs(app, There=(there, topic.topic_arn)) == {"There": f"{prefix}Here/Topic"}


def test_physical_names_are_known_in_another_account(app: App) -> None:
    here = Stack(app, "Here", env=Environment(account="111111111111", region="us-east-1"))
    there = Stack(app, "There", env=Environment(account="222222222222", region="us-east-1"))
    queue = sqs.Queue(here, "Queue", queue_name=PhysicalName.GENERATE_IF_NEEDED)
    assert outputs(app, There=(there, queue.queue_arn)) == {"There": "Here/Queue"}


def test_the_same_name_elsewhere_is_something_else(app: App) -> None:
    for name, region in (("Here", "us-east-1"), ("There", "eu-west-1")):
        stack = Stack(app, name, env=Environment(account="111111111111", region=region))
        sqs.Queue(stack, "Queue", queue_name="jobs")
    app.synth()
    assembly = Assembly.read(Path(app.outdir))
    assert sorted(queue.arn for queue in assembly.of_type("AWS::SQS::Queue")) == [
        "arn:aws:sqs:eu-west-1:111111111111:jobs",
        "arn:aws:sqs:us-east-1:111111111111:jobs",
    ]


def test_an_alias_of_another_stack_is_the_same_function(app: App, stack: Stack) -> None:
    worker = function(stack)
    alias = lambda_.Alias(stack, "Live", alias_name="live", version=worker.current_version)
    assert outputs(
        app,
        Alias=(Stack(app, "There"), alias.function_arn),
        Function=(Stack(app, "Elsewhere"), Fn.select(0, [worker.function_arn])),
    ) == {"Alias": "Stack/Live", "Function": "Stack/Function"}


def test_placeholders_are_shown_for_what_is_not_known(app: App, stack: Stack) -> None:
    parameter = CfnParameter(stack, "Name", type="String")
    shown = outputs(app, Url=(stack, Fn.join("", ["arn:aws:sqs:::", parameter.value_as_string])))["Url"]
    assert shown == "arn:aws:sqs:::${Name}"
