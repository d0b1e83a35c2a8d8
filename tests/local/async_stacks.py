"""Functions that fail as they are told, their aliases, and what arrives where: for the tests of asynchronous calls."""

import json
from typing import Any

from constructs_lib.local import LocalCloud

from . import stacks

COUNTING = """
import json

class ImpossibleError(Exception):
    pass

def handler(event, context):
    if "Records" in event:  # of a bucket or a topic
        event = json.loads(event["Records"][0].get("Sns", {}).get("Message", "null")) or event
    if "detail" in event:
        event = event["detail"]
    with open(event["log"], "a") as log:
        log.write(f"{context.aws_request_id} {context.invoked_function_arn}\\n")
    with open(event["log"]) as log:
        attempts = len(log.readlines())
    if attempts <= event["failures"]:
        raise ImpossibleError(f"attempt {attempts}")
    return {"receipt": attempts}
"""
"""Notes each attempt in the file `log`, fails the first `failures` times, then answers."""


def get(resource: str, attribute: str = "Arn") -> dict[str, Any]:
    return {"Fn::GetAtt": [resource, attribute]}


def called(**configuration: Any) -> dict[str, Any]:
    """A function, its version, its alias `live`, and the configuration of one of them (default: of the alias).

    Args:
        configuration: Properties of the EventInvokeConfig.
    """
    ref = {"Ref": "Function"}
    return {
        "Function": stacks.function(COUNTING),
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": ref}},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionName": ref, "FunctionVersion": get("Version", "Version"), "Name": "live"},
        },
        "Configuration": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "DependsOn": ["Alias"],
            "Properties": {"FunctionName": ref, "Qualifier": "live", **configuration},
        },
    }


def to(success: Any = None, failure: Any = None) -> dict[str, Any]:
    """A DestinationConfig."""
    both = {"OnSuccess": success, "OnFailure": failure}
    return {name: {"Destination": arn} for name, arn in both.items() if arn is not None}


def permission(service: str, source: Any, resource: str = "Alias", **more: str) -> dict[str, Any]:
    """The permission to invoke the alias, whose reference is its ARN."""
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": resource},
            "Principal": service,
            "SourceArn": source,
            **more,
        },
    }


def role(*statements: tuple[list[str], Any]) -> dict[str, Any]:
    """A role that may do so much."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "any.amazonaws.com"}}
    may = [{"Effect": "Allow", "Action": actions, "Resource": resource} for actions, resource in statements]
    nothing = [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]
    policy = {"Version": "2012-10-17", "Statement": may or nothing}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "own", "PolicyDocument": policy}],
        },
    }


def queue_policy(queue: str, service: str) -> dict[str, Any]:
    """A service may send to a queue."""
    statement = {
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Principal": {"Service": service},
    }
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": queue}],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        },
    }


def invoke(cloud: LocalCloud, name: str, event: object) -> None:
    """Call a function asynchronously."""
    cloud.client("lambda").invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode()
    )


def messages(cloud: LocalCloud, url: str) -> list[dict[str, Any]]:
    """What a queue has once the cloud has nothing left to do; each is deleted."""
    cloud.wait_until_idle()
    sqs = cloud.client("sqs")
    found: list[dict[str, Any]] = []
    while received := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages", []):
        for message in received:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found += received
    return found
