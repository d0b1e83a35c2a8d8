"""The limits of UserPoolTriggers."""

from typing import Any, Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_cognito as cognito

from constructs_lib import Durable, UserPoolTriggers
from tests.gallery.parts import live
from tests.gallery.plain_function import function
from tests.gallery.user_pools import pool, quick
from tests.limits.table import Arguments, Limits, args, by_name_instead


def trigger(name: Any = "pre_sign_up", **arguments: Any) -> Arguments:
    """A trigger whose function has these arguments."""
    more = {"timeout": Duration.seconds(5)} | arguments
    return lambda stack: {"triggers": {name: live(function(stack, **more))}}


def taken(stack: Stack) -> dict[str, Any]:
    users = pool(stack)
    users.add_trigger(cognito.UserPoolOperation.PRE_SIGN_UP, function(stack, "Theirs"))
    return {"user_pool": users}


_ROWS: list[tuple[str, Arguments, str]] = [
    *by_name_instead(user_pool="a user pool", alarm_topic="a topic"),
    ("no pool", args(user_pool=None), "user_pool must be a user pool"),
    ("an imported pool",
     lambda stack: {"user_pool": cognito.UserPool.from_user_pool_id(stack, "Theirs", "us-east-1_x")},
     "user_pool must be a user pool of this app, got "),
    ("a pool in another stack", lambda stack: {"user_pool": pool(Stack(stack, "Other"))},
     "user_pool must be in the stack of this construct, got Stack/Other/Users"),
    ("no triggers", args(triggers={}), "triggers must be a mapping of at least one trigger to an alias, got {}"),
    ("triggers as a list", args(triggers=["pre_sign_up"]), "triggers must be a mapping of at least one trigger"),
    ("another trigger", trigger("sign_up"), "triggers must be one of pre_sign_up, post_confirmation"),
    ("a trigger that is taken", taken, "triggers['pre_sign_up'] must be free, and Stack/Users has this"),
    ("a function", lambda stack: {"triggers": {"pre_sign_up": function(stack, timeout=Duration.seconds(5))}},
     "triggers['pre_sign_up'] must be an alias, got Stack/Function"),
    ("an alias by its name", args(triggers={"pre_sign_up": "live"}),
     "triggers['pre_sign_up'] must be a function, version or alias, got 'live' (str)"),
    ("a timeout above 5 s", trigger(timeout=Duration.seconds(6)),
     "timeout of Stack/Function, in triggers['pre_sign_up'], must be at most 5 seconds, got 6"),
    ("a durable function", trigger(durable=Durable(execution_timeout=Duration.minutes(5))),
     "must be at most 5 seconds, got 300"),
]  # fmt: skip

TRIGGER_LIMITS: Final = Limits(
    UserPoolTriggers,
    otherwise={
        "user_pool": lambda stack: pool(stack, "Otherwise"),
        "triggers": lambda stack: {"pre_sign_up": quick(stack, "Otherwise2")},
    },
    rows=_ROWS,
)
