"""Scenes of UserPoolTriggers."""

from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import LiveAlias, UserPoolTriggers
from tests.gallery.parts import live, topic
from tests.gallery.plain_function import function


def pool(scope: Construct, construct_id: str = "Users") -> cognito.UserPool:
    """A user pool as careful people make it: the triggers are what is looked at here."""
    return cognito.UserPool(
        scope,
        construct_id,
        feature_plan=cognito.FeaturePlan.PLUS,
        standard_threat_protection_mode=cognito.StandardThreatProtectionMode.FULL_FUNCTION,
        mfa=cognito.Mfa.REQUIRED,
        mfa_second_factor=cognito.MfaSecondFactor(sms=False, otp=True),
        password_policy=cognito.PasswordPolicy(
            min_length=12,
            require_digits=True,
            require_lowercase=True,
            require_symbols=True,
            require_uppercase=True,
        ),
        deletion_protection=True,
    )


def quick(scope: Construct, construct_id: str = "Function") -> lambda_.Alias:
    """An alias of a function that ends before Cognito stops waiting."""
    return live(function(scope, construct_id, timeout=Duration.seconds(5)), f"{construct_id}Live")


def user_pool_triggers(stack: Stack) -> None:
    UserPoolTriggers(stack, "Triggers", user_pool=pool(stack), triggers={"pre_sign_up": quick(stack)})


def user_pool_triggers_of_two_pools(stack: Stack) -> None:
    """One alias for two pools, and one that is watched already."""
    check = quick(stack, "Check")
    claims = LiveAlias(stack, "Claims", function=function(stack, "AddClaims", timeout=Duration.seconds(3)))
    for name in ("Riders", "Drivers"):
        UserPoolTriggers(
            stack,
            f"{name}Triggers",
            user_pool=pool(stack, name),
            triggers={"pre_sign_up": check, "pre_token_generation": claims.alias},
            alarm_topic=topic(stack, f"{name}Alarms"),
        )


SCENES: Final = (user_pool_triggers, user_pool_triggers_of_two_pools)
