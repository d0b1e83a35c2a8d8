"""The triggers of a user pool, what may invoke what, and who is told of failures."""

import pytest
from aws_cdk import App, Duration, Environment, Stack

from constructs_lib import LiveAlias, UserPoolTriggers
from tests.gallery.plain_function import function
from tests.gallery.user_pools import pool, quick
from tests.template import logical_id, of_type, properties


@pytest.fixture
def stack() -> Stack:
    return Stack(
        App(analytics_reporting=False), "Stack", env=Environment(account="1" * 12, region="us-east-1")
    )


def test_the_pool_invokes_the_alias(stack: Stack) -> None:
    users, check = pool(stack), quick(stack)
    UserPoolTriggers(stack, "Triggers", user_pool=users, triggers={"pre_sign_up": check})
    assert properties(users)["LambdaConfig"] == {"PreSignUp": {"Ref": logical_id(check)}}


def test_it_may_for_this_pool_alone(stack: Stack) -> None:
    users, check = pool(stack), quick(stack)
    UserPoolTriggers(stack, "Triggers", user_pool=users, triggers={"pre_sign_up": check})
    (permission,) = of_type(stack, "AWS::Lambda::Permission").values()
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": logical_id(check)},
        "Principal": "cognito-idp.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": [logical_id(users), "Arn"]},
    }


def test_an_alias_serves_two_pools(stack: Stack) -> None:
    check = quick(stack)
    pools = [pool(stack, name) for name in ("Riders", "Drivers")]
    for each in pools:
        UserPoolTriggers(stack, f"{each.node.id}Triggers", user_pool=each, triggers={"pre_sign_up": check})
    sources = [each["SourceArn"] for each in of_type(stack, "AWS::Lambda::Permission").values()]
    assert sources == [{"Fn::GetAtt": [logical_id(each), "Arn"]} for each in pools]


def test_each_alias_is_watched_once(stack: Stack) -> None:
    watched = LiveAlias(stack, "Claims", function=function(stack, "AddClaims", timeout=Duration.seconds(3)))
    check = quick(stack)
    triggers = UserPoolTriggers(
        stack,
        "Triggers",
        user_pool=pool(stack),
        triggers={"pre_sign_up": check, "pre_token_generation": watched.alias},
    )
    assert set(triggers.errors_alarms) == set(triggers.throttles_alarms) == {"pre_sign_up"}
    for alarm in (triggers.errors_alarms["pre_sign_up"], triggers.throttles_alarms["pre_sign_up"]):
        assert properties(alarm)["AlarmActions"] == [{"Ref": logical_id(triggers.alarm_topic)}]
    dimensions = properties(triggers.throttles_alarms["pre_sign_up"])["Dimensions"]
    assert {each["Name"] for each in dimensions} == {"FunctionName", "Resource"}


def test_every_trigger_is_one_that_cloudformation_has(stack: Stack) -> None:
    from constructs_lib.patterns.user_pool_triggers import _OPERATIONS

    users, check = pool(stack), quick(stack)
    UserPoolTriggers(stack, "Triggers", user_pool=users, triggers=dict.fromkeys(_OPERATIONS, check))
    assert set(properties(users)["LambdaConfig"]) == set(_OPERATIONS.values())
