"""Aliases that a Cognito user pool invokes when users sign up, sign in or get tokens."""

from collections.abc import Mapping
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import AliasLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, location
from constructs_lib.foundation.alarms import Alarms
from constructs_lib.foundation.invoked import (
    LATEST,
    Invoked,
    check_event_source,
    check_place,
)
from constructs_lib.practice.plugin import check_app_of


class UserPoolTriggers(Construct):
    """The Lambda triggers of a Cognito user pool, at aliases.

    What is deployed: the triggers of the pool; a permission for each, for this pool alone; and alarms on errors and
    throttles of each alias, unless a `LiveAlias` watches it already.

    Cognito waits five seconds for an answer, and invokes the function again if it gets none, up to three times; then
    the user's request fails. This time cannot be changed. So a handler that takes longer does its work twice or three
    times, and nobody can sign in: keep it short, keep it free of effects that must happen once, and give its alias
    provisioned concurrency if it starts slowly. Work that takes longer belongs behind a queue.

    A trigger must not call what triggers it: a pre sign-up function that calls `SignUp`, or a pre token generation
    function that signs the user in, invokes itself. The event has the id of the pool (`event["userPoolId"]`); a
    function of this app whose environment has it as a reference makes a circular dependency, which CloudFormation
    refuses.

    Args:
        scope: The construct to put it in, in the stack of the pool.
        construct_id: The construct's id, unique in its scope.
        user_pool: A user pool of this app: CloudFormation does not change an imported one.
        triggers: Aliases by the trigger's name: `pre_sign_up`, `post_confirmation`, `pre_authentication`,
            `post_authentication`, `pre_token_generation`, `custom_message`, `user_migration`,
            `define_auth_challenge`, `create_auth_challenge` or `verify_auth_challenge_response`. Their functions have a
            timeout of at most 5 seconds.
        alarm_topic: The topic that the alarms notify, of the same Region. None: a topic is created, for you to
            subscribe to.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        alarm_topic: The topic that the alarms notify: the one that you passed, or the one that was created.
        errors_alarms: By the trigger's name, on the share of its invocations that fail; without the aliases that are
            watched already.
        throttles_alarms: By the trigger's name, on invocations that Lambda refused; without the same.

    Source: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
    """

    alarm_topic: Final[sns.ITopic]
    errors_alarms: Final[Mapping[str, cloudwatch.Alarm]]
    throttles_alarms: Final[Mapping[str, cloudwatch.Alarm]]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        user_pool: cognito.UserPool,
        triggers: Mapping[str, AliasLike],
        alarm_topic: sns.ITopic | sns.Topic | None = None,
    ) -> None:
        """Add the triggers and their alarms; the arguments are described at the class."""
        _check_pool(scope, user_pool)
        called = _check_triggers(scope, triggers)
        Alarms.check_topic(scope, alarm_topic)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        try:
            for name, invoked in called.items():
                self._add(user_pool, name, invoked)
        except RuntimeError as error:
            # What CDK throws becomes this in Python: CDK alone knows the pool's triggers.
            if "already exists" not in str(error):
                raise
            scope.node.try_remove_child(construct_id)
            raise InvalidPropsError(
                f"triggers[{name!r}] must be free, and {user_pool.node.path} has this trigger already. "
                f"Remove one of them."
            ) from None
        alarms_here = Alarms(self, alarm_topic)
        self.alarm_topic = alarms_here.topic
        unwatched = {name: alias for name, alias in triggers.items() if alias not in alarms.watched_aliases}
        self.errors_alarms = {
            name: alarms_here.add(
                f"{_OPERATIONS[name]}Errors",
                alarms.function_errors(alias, timeout=called[name].timeout_seconds),
            )
            for name, alias in unwatched.items()
        }
        self.throttles_alarms = {
            name: alarms_here.add(f"{_OPERATIONS[name]}Throttles", alarms.function_throttles(alias))
            for name, alias in unwatched.items()
        }

    def _add(self, user_pool: cognito.UserPool, name: str, invoked: Invoked) -> None:
        """Add a trigger, with a permission of our own: CDK's has an id that a second pool of the alias would take."""
        operation = _OPERATIONS[name]
        by_arn = lambda_.Function.from_function_attributes(
            self, operation, function_arn=invoked.arn, skip_permissions=True
        )
        user_pool.add_trigger(cognito.UserPoolOperation.of(_camel_case(operation)), by_arn)
        lambda_.CfnPermission(
            self,
            f"{operation}Permission",
            action="lambda:InvokeFunction",
            function_name=invoked.arn,
            principal="cognito-idp.amazonaws.com",
            source_arn=user_pool.user_pool_arn,
        )


_OPERATIONS: Final = {
    name: "".join(word.capitalize() for word in name.split("_"))
    for name in (
        "pre_sign_up",
        "post_confirmation",
        "pre_authentication",
        "post_authentication",
        "pre_token_generation",
        "custom_message",
        "user_migration",
        "define_auth_challenge",
        "create_auth_challenge",
        "verify_auth_challenge_response",
    )
}
"""The triggers, by their names in Python. Custom senders are not among them: Cognito invokes those asynchronously."""


def _camel_case(operation: str) -> str:
    return operation[0].lower() + operation[1:]


# --- arguments -----------------------------------------------------------------------------------------


def _check_pool(scope: Construct, user_pool: object) -> None:
    _validation.check_part("user_pool", user_pool, "user_pool_arn", "a user pool", required=True)
    if not isinstance(user_pool, cognito.UserPool):
        raise InvalidPropsError(
            f"user_pool must be a user pool of this app, got {_validation.shown(user_pool)}: CloudFormation does not "
            f"change an imported one. Add the triggers in the app that makes it. See {_defaults.COGNITO_TRIGGERS}"
        )
    if location.stack_of(user_pool) is not location.stack_of(scope):
        raise InvalidPropsError(
            f"user_pool must be in the stack of this construct, got {user_pool.node.path}: the permissions name the "
            f"pool, and the pool the aliases, so that each stack would depend on the other. Make this construct in the "
            f"pool's stack. See {_defaults.COGNITO_TRIGGERS}"
        )


def _check_triggers(scope: Construct, triggers: Mapping[str, AliasLike]) -> dict[str, Invoked]:
    """What each trigger invokes."""
    if not isinstance(triggers, Mapping) or not triggers:
        raise InvalidPropsError(
            f"triggers must be a mapping of at least one trigger to an alias, got {_validation.shown(triggers)}. "
            f"See {_defaults.COGNITO_TRIGGERS}"
        )
    called = {}
    for trigger, alias in triggers.items():
        name = f"triggers[{trigger!r}]"
        _validation.check_choice("triggers", trigger, _OPERATIONS, source=_defaults.COGNITO_TRIGGERS)
        invoked = Invoked.of(alias, name)
        check_place(scope, invoked, name)
        check_event_source(invoked, name)
        if invoked.qualifier == LATEST:
            raise InvalidPropsError(
                f"{name} must be an alias, got {invoked.path}, which would be called at $LATEST, past every "
                f"deployment. Pass the .alias of a LiveAlias. See {_defaults.LAMBDA_ALIASES}"
            )
        seconds = invoked.timeout_seconds
        if seconds is not None and seconds > _defaults.COGNITO_TRIGGER_SECONDS:
            raise InvalidPropsError(
                f"timeout of {invoked.path}, in {name}, must be at most {_defaults.COGNITO_TRIGGER_SECONDS} seconds, "
                f"got {seconds:g}: Cognito waits no longer, and invokes the function again while the first invocation "
                f"still runs. See {_defaults.COGNITO_TRIGGERS}"
            )
        called[trigger] = invoked
    return called
