"""Call a Lambda function for the events of a bus that match a pattern."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import dead_letters, event_filter, location, rule
from constructs_lib.foundation.alarms import Alarms
from constructs_lib.foundation.invoked import Invoked, check_event_source, check_permission, check_place
from constructs_lib.practice.plugin import check_app_of


class EventRule(Construct):
    """A rule that invokes your function for each event of a bus that matches a pattern.

    What is deployed: the rule; the permission to invoke exactly this alias, version or function, for exactly this
    rule; a dead-letter queue, encrypted, over TLS only, for the events that Lambda did not take; an alarm on the
    first of them, and the topic that it goes to.

    The invocation is asynchronous: once Lambda has the event, the rule is done with it. What the handler then fails at
    is for `AsyncDestinations` on the same function.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: The alias, version or function to invoke, of the same Region and account. Prefer an alias: with a
            version, each deployment creates a new permission, and events that come just before become dead letters.
        event_pattern: Which events; with a `source` or `detail_type` if the function sends to the bus itself.
        event_bus: Whose events, a bus of the same Region and account. None: the default bus of the account.
        event: What the function gets in place of the whole event, such as `RuleTargetInput.from_event_path`.
        retry_attempts: How many times delivery to Lambda is retried, 0 to 185; default 185.
        max_event_age: How long delivery to Lambda is retried, 60 seconds to 24 hours; default 24 hours.
        dead_letter_queue: Your own standard queue, in the same Region and stack. None: a queue is created.
        enabled: Whether it is active; default True.
        description: Shown in the console.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.
        removal_policy: What happens to the dead-letter queue that is created when the stack is deleted; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        rule: The rule.
        function: The function, alias or version that you passed.
        dead_letter_queue: The dead-letter queue that you passed, or the one that was created.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        dead_letter_alarm: On the first event in `dead_letter_queue`. None if that queue is in another account, where
            its metrics are.
        undelivered_alarm: On events that could not even be sent to `dead_letter_queue`.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
    """

    rule: Final[events.Rule]
    function: Final[FunctionLike]
    dead_letter_queue: Final[sqs.IQueue]
    alarm_topic: Final[sns.ITopic]
    dead_letter_alarm: Final[cloudwatch.Alarm | None]
    undelivered_alarm: Final[cloudwatch.Alarm]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        event_pattern: events.EventPattern,
        event_bus: events.IEventBus | events.EventBus | None = None,
        event: events.RuleTargetInput | None = None,
        retry_attempts: float = _defaults.EVENT_RETRY_ATTEMPTS,
        max_event_age: Duration | None = None,
        dead_letter_queue: sqs.IQueue | sqs.Queue | None = None,
        enabled: bool = True,
        description: str | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the rule; the arguments are described at the class."""
        rule.check_delivery(scope, retry_attempts, max_event_age, dead_letter_queue, removal_policy)
        dead_letters.check_stack(scope, dead_letter_queue)
        _check_pattern(event_pattern)
        _validation.check_part("event_bus", event_bus, "event_bus_arn", "an event bus")
        location.check(
            scope,
            "event_bus",
            event_bus,
            way_out="A rule is on a bus of its own Region and account: make this EventRule there, or a rule there that "
            "sends the events to a bus here.",
            source=_defaults.EVENT_BUSES,
        )
        _validation.check_part(
            "event", event, "bind", 'a RuleTargetInput, such as .from_event_path("$.detail")'
        )
        Alarms.check_topic(scope, alarm_topic)
        _validation.check_flag("enabled", enabled)
        if description is not None:
            _validation.check_text("description", description)
        invoked = Invoked.of(function)
        check_place(scope, invoked)
        check_event_source(invoked)
        check_permission(invoked, function)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        self.function = function
        self.rule = events.Rule(
            self,
            "Rule",
            event_pattern=event_pattern,
            event_bus=event_bus,
            enabled=enabled,
            description=description,
        )
        self.dead_letter_queue = dead_letter_queue or dead_letters.queue(
            self, "DeadLetterQueue", removal_policy=removal_policy
        )
        rule.call(
            self.rule,
            function=function,
            dead_letter_queue=self.dead_letter_queue,
            retry_attempts=retry_attempts,
            max_event_age=max_event_age,
            given_input=event,
        )
        alarms_here = Alarms(self, alarm_topic, findings=dead_letters.findings(dead_letter_queue))
        self.alarm_topic = alarms_here.topic
        self.dead_letter_alarm = alarms_here.add(
            "DeadLetterAlarm", dead_letters.watch(self, self.dead_letter_queue, passed=dead_letter_queue)
        )
        self.undelivered_alarm = alarms_here.add("UndeliveredAlarm", rule.undelivered(self.rule, event_bus))


_FIELDS: Final = (
    "source",
    "detail_type",
    "account",
    "region",
    "resources",
    "id",
    "time",
    "version",
    "detail",
)


def _check_pattern(pattern: events.EventPattern) -> None:
    if not isinstance(pattern, events.EventPattern):
        raise InvalidPropsError(
            f'event_pattern must be an events.EventPattern, such as EventPattern(source=["trips"]), got '
            f"{_validation.shown(pattern)}."
        )
    fields = {name: value for name in _FIELDS if (value := getattr(pattern, name)) is not None}
    event_filter.check("event_pattern", fields, source=_defaults.EVENT_PATTERNS)
