"""Call a Lambda function on a schedule."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final
from zoneinfo import available_timezones

import jsii
from aws_cdk import Annotations, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, dead_letters, location, permissions, rule, schedule_expression
from constructs_lib.foundation.alarms import Alarms
from constructs_lib.foundation.invoked import Invoked, check_event_source, check_place
from constructs_lib.foundation.resource import resource_of
from constructs_lib.practice.plugin import check_app_of


class ScheduledInvocation(Construct):
    """A schedule that invokes your function, repeatedly or once.

    What is deployed: the schedule; a role that EventBridge Scheduler assumes for this account's schedules of this
    group, and that may invoke exactly this alias, version or function and send to the dead-letter queue; that queue,
    encrypted, over TLS only, for the invocations that Lambda did not accept; an alarm on the first of them, and the
    topic that it goes to.

    The invocation is asynchronous, and it may come twice. Once Lambda has it, the schedule is done with it; what the
    handler then fails at is for `AsyncDestinations` on the same function.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: The alias, version or function to invoke, of the same Region and account.
        schedule: When, and in which time zone: `ScheduleExpression.cron(hour="6", minute="0",
            time_zone=TimeZone.EUROPE_BERLIN)`, `.rate(...)` in whole minutes, or `.at(...)`. Without a time zone it
            is UTC. Where clocks change, a time that does not exist is skipped, and one that comes twice counts once.
        event: What the function gets, as JSON of at most 256 KB; None: the scheduler's own event. A number that is
            known only at deployment arrives as text, which is CDK's doing.
        flexible_window: Length of the window in which the function is invoked, 1 minute to 24 hours, to spread the
            load. None: on time.
        start: Not before, for a schedule that repeats. With a time zone, or it is taken for UTC. Scheduler
            accepts no schedule whose start is more than five minutes ago: leave it out when it has begun.
        end: Not after.
        schedule_group: None: the default group of the account.
        retry_attempts: How many times delivery to Lambda is retried, 0 to 185; default 185.
        max_event_age: How long delivery to Lambda is retried, 60 seconds to 24 hours; default 24 hours.
        dead_letter_queue: Your own standard queue, in the same Region. None: a queue is created.
        enabled: Whether it is active; default True.
        description: Shown in the console.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.
        removal_policy: What happens to the dead-letter queue that is created when the stack is deleted; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        schedule: The schedule.
        role: What EventBridge Scheduler assumes to invoke the function and to send to `dead_letter_queue`.
        function: The function, alias or version that you passed.
        dead_letter_queue: The dead-letter queue that you passed, or the one that was created.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        dead_letter_alarm: On the first invocation in `dead_letter_queue`. None if that queue is in another account,
            where its metrics are.
        undelivered_alarm: On invocations that could not even be sent to a dead-letter queue, of all schedules of the
            group.

    Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html
    """

    schedule: Final[scheduler.Schedule]
    role: Final[iam.Role]
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
        schedule: scheduler.ScheduleExpression,
        event: Mapping[str, object] | None = None,
        flexible_window: Duration | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        schedule_group: scheduler.IScheduleGroup | scheduler.ScheduleGroup | None = None,
        retry_attempts: float = _defaults.EVENT_RETRY_ATTEMPTS,
        max_event_age: Duration | None = None,
        dead_letter_queue: sqs.IQueue | sqs.Queue | None = None,
        enabled: bool = True,
        description: str | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the schedule; the arguments are described at the class."""
        rule.check_delivery(scope, retry_attempts, max_event_age, dead_letter_queue, removal_policy)
        invoked = Invoked.of(function)
        check_place(scope, invoked)
        check_event_source(invoked)
        Alarms.check_topic(scope, alarm_topic)
        _validation.check_part("schedule_group", schedule_group, "schedule_group_arn", "a schedule group")
        location.check(
            scope,
            "schedule_group",
            schedule_group,
            way_out="Pass a group of this Region and account, or leave it out for the default group.",
            source=_defaults.SCHEDULES,
        )
        _validation.check_flag("enabled", enabled)
        if description is not None:
            _validation.check_text("description", description)
        _check_times(schedule, flexible_window, start, end)
        text = _written(event)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        if start is not None and start.replace(tzinfo=start.tzinfo or UTC) < datetime.now(UTC):
            Annotations.of(self).add_warning_v2(
                "constructs-lib:start-has-passed",
                f"start is {start.isoformat()}, which has passed: EventBridge Scheduler creates no schedule whose "
                f"start is more than five minutes ago, as in another account or Region, and may refuse to change this "
                f"one. Leave start out: the schedule has begun. See {_defaults.SCHEDULE_START}",
            )
        self.function = function
        self.dead_letter_queue = dead_letter_queue or dead_letters.queue(
            self, "DeadLetterQueue", removal_policy=removal_policy
        )
        self.role = self._make_role(schedule_group)
        self.schedule = scheduler.Schedule(
            self,
            "Schedule",
            schedule=schedule,
            target=_Target(
                scheduler.ScheduleTargetConfig(
                    arn=function.function_arn,
                    role=self.role,
                    # CDK knows the tokens in it, and drops each None: so it writes only what has tokens.
                    input=scheduler.ScheduleTargetInput.from_object(dict(event))
                    if event and text is None
                    else None,
                    dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                        arn=self.dead_letter_queue.queue_arn
                    ),
                )
            ),
            start=_in_a_zone(start),
            end=_in_a_zone(end),
            schedule_group=schedule_group,
            enabled=enabled,
            description=description,
        )
        # Not through the L2, which takes no token for these.
        resource = resource_of(self.schedule, scheduler.CfnSchedule)
        age = max_event_age or Duration.seconds(_defaults.EVENT_AGE_SECONDS)
        resource.add_property_override(
            "Target.RetryPolicy",
            {"MaximumRetryAttempts": retry_attempts, "MaximumEventAgeInSeconds": age.to_seconds()},
        )
        if text is not None:
            resource.add_property_override("Target.Input", text)
        if flexible_window is not None:
            resource.flexible_time_window = scheduler.CfnSchedule.FlexibleTimeWindowProperty(
                mode="FLEXIBLE", maximum_window_in_minutes=flexible_window.to_minutes()
            )
        alarms_here = Alarms(self, alarm_topic, findings=dead_letters.findings(dead_letter_queue))
        self.alarm_topic = alarms_here.topic
        self.dead_letter_alarm = alarms_here.add(
            "DeadLetterAlarm", dead_letters.watch(self, self.dead_letter_queue, passed=dead_letter_queue)
        )
        self.undelivered_alarm = alarms_here.add(
            "UndeliveredAlarm",
            alarms.undelivered(
                namespace="AWS/Scheduler",
                metric="InvocationsFailedToBeSentToDeadLetterCount",
                dimensions={
                    "ScheduleGroup": "default"
                    if schedule_group is None
                    else schedule_group.schedule_group_name
                },
            ),
        )

    def _make_role(self, schedule_group: scheduler.IScheduleGroup | None) -> iam.Role:
        stack = Stack.of(self)
        group = (
            schedule_group.schedule_group_arn
            if schedule_group is not None
            else stack.format_arn(service="scheduler", resource="schedule-group", resource_name="default")
        )
        # The group's ARN, not the schedule's: that is what the scheduler says it comes from.
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
        trusted = iam.ServicePrincipal("scheduler.amazonaws.com").with_conditions(
            {"StringEquals": {"aws:SourceAccount": stack.account, "aws:SourceArn": group}}
        )
        statements = [
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[self.function.function_arn]),
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.dead_letter_queue.queue_arn]),
        ]
        key = self.dead_letter_queue.encryption_master_key
        if key is not None:
            statements.append(
                iam.PolicyStatement(actions=["kms:GenerateDataKey", "kms:Decrypt"], resources=[key.key_arn])
            )
        # Inline, so that the role never exists without it: the first call may come at once.
        role = iam.Role(
            self,
            "Role",
            assumed_by=trusted,
            inline_policies={"Call": iam.PolicyDocument(statements=statements)},
        )
        if key is not None:
            key.grant(role, "kms:GenerateDataKey", "kms:Decrypt")
        permissions.tell_owners(
            self,
            role,
            ["sqs:SendMessage"],
            self.dead_letter_queue.queue_arn,
            resource=self.dead_letter_queue,
            key=key,
            key_actions=["kms:GenerateDataKey", "kms:Decrypt"],
        )
        return role


@jsii.implements(scheduler.IScheduleTarget)
class _Target:
    """A target as it is written into the schedule: aws_scheduler_targets' role may call every version."""

    def __init__(self, config: scheduler.ScheduleTargetConfig) -> None:
        self._config = config

    def bind(self, schedule: scheduler.ISchedule) -> scheduler.ScheduleTargetConfig:  # noqa: ARG002
        return self._config


# --- arguments -----------------------------------------------------------------------------------------


def _check_times(
    schedule: scheduler.ScheduleExpression,
    flexible_window: Duration | None,
    start: datetime | None,
    end: datetime | None,
) -> None:
    if not isinstance(schedule, scheduler.ScheduleExpression):
        raise InvalidPropsError(
            f'schedule must be a scheduler.ScheduleExpression, such as .cron(hour="6", minute="0"), got '
            f"{_validation.shown(schedule)}."
        )
    expression = schedule.expression_string
    schedule_expression.check("schedule", expression, source=_defaults.SCHEDULES)
    _validation.read_seconds(
        "flexible_window",
        flexible_window,
        low=_defaults.SCHEDULE_WINDOW_SECONDS_MIN,
        high=_defaults.SCHEDULE_WINDOW_SECONDS_MAX,
        whole="minutes",
        source=_defaults.SCHEDULE_WINDOWS,
    )
    for name, moment in (("start", start), ("end", end)):
        if moment is not None and not isinstance(moment, datetime):
            raise InvalidPropsError(f"{name} must be a datetime, got {_validation.shown(moment)}.")
    if start is not None and end is not None and (start.tzinfo is None) != (end.tzinfo is None):
        raise InvalidPropsError("start and end must both have a time zone, or neither of them.")
    if start is not None and end is not None and start >= end:
        raise InvalidPropsError(f"start must be before end, got {start.isoformat()} and {end.isoformat()}.")
    if expression.startswith("at("):
        _validation.check_not_with(
            "a schedule that calls once, .at(...)",
            "EventBridge Scheduler ignores them.",
            start=start,
            end=end,
        )
    zone = schedule.time_zone
    zones = available_timezones()
    if zone is not None and zones:  # a machine may have none
        _check_zone(zone.timezone_name, zones)


def _in_a_zone(moment: datetime | None) -> datetime | None:
    """Jsii takes no datetime without a time zone."""
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _check_zone(name: str, zones: set[str]) -> None:
    if name not in zones and not _validation.is_unresolved(name):
        near = get_close_matches(name, sorted(zones), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InvalidPropsError(f"schedule has no time zone {name!r}.{hint} See {_defaults.SCHEDULES}")


def _written(event: Mapping[str, object] | None) -> str | None:
    """An event as JSON; None without one, and for one with tokens."""
    if event is None:
        return None
    if not isinstance(event, Mapping):
        raise InvalidPropsError(f"event must be a mapping, got {_validation.shown(event)}.")
    try:
        text = json.dumps(dict(event), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidPropsError(f"event must be JSON: {error}. See {_defaults.SCHEDULE_QUOTAS}") from None
    if size > _defaults.SCHEDULE_INPUT_BYTES_MAX:
        raise InvalidPropsError(
            f"event must be at most {_defaults.SCHEDULE_INPUT_BYTES_MAX:,} bytes, got {size:,}: put it into S3 and "
            f"name it here. See {_defaults.SCHEDULE_QUOTAS}"
        )
    return None if _validation.has_unresolved(event) else text
