"""Turn a runaway Lambda function off."""

from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, rule
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.invoked import (
    Invoked,
    check_can_be_turned_off,
    check_place,
)
from constructs_lib.foundation.rule import Target
from constructs_lib.practice.plugin import check_app_of


class KillSwitch(Construct):
    """An alarm on a runaway function, and a switch that turns it off: manually, or by the alarm when `armed`.

    What is deployed: an alarm on more invocations a minute than the function's traffic can bring; a state machine
    of one step that sets the function's reserved concurrency to 0; a rule that starts it when the alarm goes off,
    which is disabled unless `armed=True`; an alarm on a switch that did not work; and the topic that both
    go to. Disarmed, it is a switch for people: `aws stepfunctions start-execution --state-machine-arn ...`.

    The switch is not a Lambda function: a runaway may have taken all of the account's concurrency, and the function
    that is to stop it would be throttled. Step Functions calls Lambda's own API. It costs nothing until it runs.

    Turned off, nothing is lost where failures have a place: asynchronous events go to the on-failure destination at
    once, without retries, and can be redriven; the messages of a queue wait, and become dead letters in the end.
    Callers that wait for an answer get 429. A deployment that does not change `reserved_concurrent_executions` leaves
    it off; when the fault is fixed: `aws lambda delete-function-concurrency`, or `put-function-concurrency` with the
    number that it had.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: The function, of the same Region and account; of an alias or version, the whole function is meant.
            Not one with provisioned concurrency, below which Lambda does not let reserved concurrency go, and not one
            on managed instances.
        invocations_per_minute: The most that its traffic can bring. Nobody else knows this number: AWS gives
            none, and a default would be wrong for most.
        armed: Whether the alarm turns the function off. False: it tells you, and you decide. An alarm that is already
            on when you arm the switch does not pull it: start the state machine manually then.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        function: The function, alias or version, as you passed it.
        runaway_alarm: On more than `invocations_per_minute` invocations of the function.
        state_machine: The switch: an execution sets the function's reserved concurrency to 0.
        role: The role of `state_machine`.
        rule: Starts `state_machine` when `runaway_alarm` goes off; disabled unless `armed=True`.
        failed_alarm: On an execution that failed, or that could not be started.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """

    function: Final[FunctionLike]
    runaway_alarm: Final[cloudwatch.Alarm]
    state_machine: Final[stepfunctions.StateMachine]
    role: Final[iam.Role]
    rule: Final[events.Rule]
    failed_alarm: Final[cloudwatch.Alarm]
    alarm_topic: Final[sns.ITopic]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        invocations_per_minute: float,
        armed: bool = False,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
    ) -> None:
        """Create the kill switch; the arguments are described at the class."""
        _check_rate(invocations_per_minute)
        invoked = Invoked.of(function)
        check_place(scope, invoked)
        check_can_be_turned_off(invoked)
        _check_not_provisioned(invoked)
        Alarms.check_topic(scope, alarm_topic)
        _validation.check_flag("armed", armed)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        self.function = function
        alarms_here = Alarms(self, alarm_topic)
        self.alarm_topic = alarms_here.topic
        self.runaway_alarm = alarms_here.add(
            "RunawayAlarm", _runaway(invoked, invocations_per_minute), needed=True
        )
        self.role = self._make_role(invoked.base_arn)
        self.state_machine = self._make_state_machine(invoked.base, self.role)
        self.rule = self._make_rule(enabled=armed)
        self.failed_alarm = alarms_here.add(
            "FailedAlarm", _switch_failed(self.state_machine, self.rule), needed=True
        )

    def _make_role(self, function_arn: str) -> iam.Role:
        return iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
            ),
            inline_policies={
                "TurnOff": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["lambda:PutFunctionConcurrency"], resources=[function_arn]
                        )
                    ]
                )
            },
        )

    def _make_state_machine(self, function: lambda_.IFunction, role: iam.Role) -> stepfunctions.StateMachine:
        stack = Stack.of(self)
        definition = {
            "Comment": "Turns a function off",
            "StartAt": "TurnOff",
            "States": {
                "TurnOff": {
                    "Type": "Task",
                    "Resource": f"arn:{stack.partition}:states:::aws-sdk:lambda:putFunctionConcurrency",
                    "Parameters": {
                        "FunctionName": function.function_name,
                        "ReservedConcurrentExecutions": 0,
                    },
                    # Lambda's control plane answers a few requests a second, and others ask too.
                    "Retry": [
                        {
                            "ErrorEquals": ["States.ALL"],
                            "MaxAttempts": _defaults.KILL_SWITCH_ATTEMPTS,
                            "BackoffRate": 2,
                            "MaxDelaySeconds": 60,
                        }
                    ],
                    "End": True,
                }
            },
        }
        state_machine = stepfunctions.StateMachine(
            self,
            "StateMachine",
            definition_body=stepfunctions.DefinitionBody.from_string(stack.to_json_string(definition)),
            role=role,
        )
        history = (
            "One call, and rarely: Step Functions keeps the history of a run, with input and answer, for 90 days "
            "without it."
        )
        findings = (
            "AwsSolutions-SF1",
            "AwsSolutions-SF2",
            "Serverless-StepFunctionStateMachineAllLogsToCloudWatch",
            "Serverless-StepFunctionStateMachineXray",
        )
        acknowledge(state_machine, dict.fromkeys(findings, history))
        return state_machine

    def _make_rule(self, *, enabled: bool) -> events.Rule:
        arn = self.state_machine.state_machine_arn
        switch = events.Rule(
            self,
            "Rule",
            description="Turns a runaway function off",
            enabled=enabled,
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"],
                detail_type=["CloudWatch Alarm State Change"],
                resources=[self.runaway_alarm.alarm_arn],
                detail={"state": {"value": ["ALARM"]}},
            ),
        )
        acknowledge(
            switch,
            {
                "Serverless-EventBusDLQ": "A switch that was not pulled has an alarm; the event is of no use later."
            },
        )
        role = iam.Role(
            self,
            "RuleRole",
            assumed_by=iam.ServicePrincipal("events.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
            ),
            inline_policies={
                "Start": iam.PolicyDocument(
                    statements=[iam.PolicyStatement(actions=["states:StartExecution"], resources=[arn])]
                )
            },
        )
        switch.add_target(
            Target(
                events.RuleTargetConfig(
                    arn=arn,
                    role=role,
                    target_resource=self.state_machine,
                    # Not a day, as without it: who is turned off late may be fixed by then.
                    retry_policy=rule.retry_policy(
                        _defaults.EVENT_RETRY_ATTEMPTS, Duration.seconds(_defaults.KILL_SWITCH_EVENT_SECONDS)
                    ),
                )
            )
        )
        return switch


def _check_rate(invocations_per_minute: float) -> None:
    if invocations_per_minute is None or invocations_per_minute == float("inf"):
        raise InvalidPropsError(
            f"invocations_per_minute must be a number, got {invocations_per_minute!r}: the most that the function's "
            f"traffic can bring. See {_defaults.RECURSION}"
        )
    _validation.check_range(
        "invocations_per_minute", invocations_per_minute, 1, float("inf"), source=_defaults.RECURSION
    )


def _check_not_provisioned(invoked: Invoked) -> None:
    """Refuse an alias or version with provisioned concurrency; a rule looks at the others of its function."""
    if invoked.has_provisioned_concurrency:
        raise InvalidPropsError(
            f"function {invoked.called.node.path} has provisioned concurrency, and Lambda does not let reserved "
            f"concurrency go below it: the switch would do nothing. See {_defaults.LAMBDA_CONCURRENCY}"
        )


# --- alarms --------------------------------------------------------------------------------------------


def _runaway(invoked: Invoked, invocations_per_minute: float) -> Watch:
    """More invocations than the function can have honestly, over all of its aliases."""
    return Watch(
        metric=invoked.base.metric_invocations(period=alarms.PERIOD),
        threshold=invocations_per_minute,
        periods=alarms.minutes_back(invoked.watched_seconds),
        description="More invocations than the expected traffic explains: the function may be invoking itself.",
    )


def _switch_failed(state_machine: stepfunctions.StateMachine, rule_: events.Rule) -> Watch:
    """A switch that was not pulled, or did not work: one minute of five with such a failure."""
    not_started = cloudwatch.Metric(
        namespace="AWS/Events",
        metric_name="FailedInvocations",
        dimensions_map={"RuleName": rule_.rule_name},
        period=alarms.PERIOD,
        statistic="Sum",
    )
    return Watch(
        metric=cloudwatch.MathExpression(
            expression="FILL(failed, 0) + FILL(not_started, 0)",
            label="Failures of the switch",
            using_metrics={
                "failed": state_machine.metric_failed(period=alarms.PERIOD),
                "not_started": not_started,
            },
            period=alarms.PERIOD,
        ),
        threshold=0,
        # FILL takes a minute whose figures come late for 0, and would keep an alarm on one minute at OK.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
        periods=5,
        datapoints=1,
        description="The kill switch could not turn the function off. Do it by hand: aws lambda "
        "put-function-concurrency --reserved-concurrent-executions 0",
    )
