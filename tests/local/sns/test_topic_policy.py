"""A topic of a template lets its own account's services in, and not everybody: also when an update replaces it."""

import json

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

pytestmark = pytest.mark.cloud


def test_a_topics_own_policy_lets_its_account_in_alone(cloud: LocalCloud) -> None:
    for name in ("policy-first", "policy-second"):
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}
        arn = stacks.put(cloud, "topic-policy", {"Topic": topic})["Topic"]
        assert arn.endswith(name)
        policy = json.loads(cloud.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
        [statement] = policy["Statement"]
        assert statement["Condition"] == {"StringEquals": {"AWS:SourceOwner": "000000000000"}}
