"""The topic of a construct's alarms lets CloudWatch in, whoever made it."""

import inspect
from typing import Any

import jsii
import pytest
from aws_cdk import App, IPropertyInjector, PropertyInjectors, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from tests.limits import ALL
from tests.template import of_type, properties

CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}
FROM_ALARMS = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@jsii.implements(IPropertyInjector)
class UnderAKey:
    """Puts every topic of a stack under a key, as organizations do it."""

    def __init__(self, key: kms.IKey) -> None:
        self._key = key

    @property
    def construct_unique_id(self) -> str:
        return sns.Topic.PROPERTY_INJECTION_ID

    def inject(self, original_props: Any, *_: Any, **__: Any) -> Any:
        return {**original_props, "masterKey": self._key}


@pytest.mark.parametrize(
    "limits", [limits for limits in ALL if "alarm_topic" in inspect.signature(limits.construct.__init__).parameters],
    ids=lambda limits: limits.construct.__name__,
)  # fmt: skip
def test_a_topic_that_an_injector_puts_under_a_key_hears_the_alarms(app: App, limits: Any) -> None:
    stack = Stack(app, "Stack")
    key = kms.Key(stack, "Key")
    arguments = {name: make(stack) for name, make in limits.otherwise.items()}
    PropertyInjectors.of(stack).add(UnderAKey(key))
    made = limits.construct(stack, "Made", **arguments)
    assert properties(made.alarm_topic)["KmsMasterKeyId"] == stack.resolve(key.key_arn)
    let_in = {
        "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
        "Condition": FROM_ALARMS,
        "Effect": "Allow",
        "Principal": CLOUDWATCH,
        "Resource": "*",
    }
    assert properties(key)["KeyPolicy"]["Statement"].count(let_in) == 1
    (policy,) = (
        each
        for each in of_type(stack, "AWS::SNS::TopicPolicy").values()
        if each["Topics"] == [stack.resolve(made.alarm_topic.topic_arn)]
    )
    assert [
        (each["Action"], each["Condition"])
        for each in policy["PolicyDocument"]["Statement"]
        if each["Principal"] == CLOUDWATCH
    ] == [("sns:Publish", FROM_ALARMS)]
