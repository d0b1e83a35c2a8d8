"""The recommended alarms: what each of them watches, its threshold, and what its reader should do.

A function below describes what to watch, and takes neither scope nor topic; `Alarms` adds it to a construct. Missing
data counts as OK unless a watch sets it otherwise: no traffic is not a fault. The metrics are those of the alias where
there is one.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, overload
from weakref import WeakKeyDictionary, WeakSet

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib._types import FunctionLike
from constructs_lib.foundation import alarm_settings, alarm_topic
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.invoked import dimensions_of
from constructs_lib.foundation.resource import node_of


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One thing that can go wrong."""

    metric: cloudwatch.IMetric
    threshold: float
    """The limit; `comparison` decides which side of it is bad."""
    description: str
    """What is wrong and what to do, for whoever is on call."""
    comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
    periods: int = _defaults.ALARM_EVALUATION_PERIODS
    """How many minutes the alarm looks back."""
    datapoints: int = _defaults.ALARM_DATAPOINTS
    """How many of these minutes must be bad."""
    missing_data: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING


class Alarms:
    """The alarms of one construct, and the topic that they notify: the given one, or one that is made.

    Args:
        scope: The construct, whose app is known.
        topic: The user's topic; None: that of `AlarmSettings`, or else one is made.
        findings: Findings of cdk-nag on the construct's other parts that are acknowledged, with reasons. Those on the
            topic are acknowledged on the construct too, in the same call to Node.
    """

    def __init__(
        self, scope: Construct, topic: sns.ITopic | None, *, findings: Mapping[str, str] | None = None
    ) -> None:
        shared = alarm_settings.topic_of(scope) if topic is None else topic
        self.topic = alarm_topic.given_or_own(scope, shared)
        acknowledge(scope, {**(findings or {}), **alarm_topic.findings(shared)})
        alarm_settings.note_alarmed(scope)
        self._scope = scope
        self._is_left_out = alarm_settings.is_left_out(scope)
        self._action = actions.SnsAction(self.topic)

    @staticmethod
    def check_topic(scope: Construct, topic: sns.ITopic | None) -> None:
        """Refuse a topic that no alarm would reach: the given one, or that of `AlarmSettings`."""
        alarm_topic.check(scope, topic)
        shared = alarm_settings.topic_of(scope) if topic is None else None
        if shared is not None:
            alarm_topic.check_region(
                scope,
                "the topic of AlarmSettings",
                shared,
                way_out="set one for the stacks of this Region, AlarmSettings.of(stack).notify(topic), or pass "
                "alarm_topic.",
            )

    @overload
    def add(self, construct_id: str, watch: Watch, *, needed: bool = False) -> cloudwatch.Alarm: ...

    @overload
    def add(
        self, construct_id: str, watch: Watch | None, *, needed: bool = False
    ) -> cloudwatch.Alarm | None: ...

    def add(self, construct_id: str, watch: Watch | None, *, needed: bool = False) -> cloudwatch.Alarm | None:
        """Create one alarm.

        Args:
            construct_id: Its id in the construct.
            watch: What it watches; None where there is nothing to watch.
            needed: Whether something else refers to it, so that it is never left out.

        Returns:
            The alarm; None without a watch. One that is left out is in no template.
        """
        if watch is None:
            return None
        alarm = cloudwatch.Alarm(
            self._scope,
            construct_id,
            metric=watch.metric,
            threshold=watch.threshold,
            comparison_operator=watch.comparison,
            evaluation_periods=watch.periods,
            datapoints_to_alarm=watch.datapoints,
            treat_missing_data=watch.missing_data,
            alarm_description=watch.description,
        )
        if self._is_left_out and not needed:
            node_of(self._scope).try_remove_child(construct_id)
            left_out[alarm] = None
        else:
            alarm.add_alarm_action(self._action)
        return alarm


left_out: Final[dict[cloudwatch.Alarm, None]] = {}
"""Alarms that are in no template, nor in the tree: dashboards, which show what they watch, find them only here, in the
order in which they were created. A set would have another order in each run, and so would the dashboard."""

watched_aliases: Final[WeakSet[lambda_.Alias]] = WeakSet()
"""Aliases that have alarms: `LiveAlias` adds its own, and `ProvisionedApi` makes no second set for them."""

_behind: Final[WeakKeyDictionary[cloudwatch.IAlarm, FunctionLike]] = WeakKeyDictionary()


def behind(alias: FunctionLike, *made: cloudwatch.Alarm | None) -> None:
    """Remember alarms that depend on an alias: the alias cannot depend on them, as it does on those that roll it back.

    Args:
        alias: The alias.
        *made: The alarms; None is skipped.
    """
    for alarm in made:
        if alarm is not None:
            _behind[alarm] = alias


def is_behind(alarm: cloudwatch.IAlarm, alias: FunctionLike) -> bool:
    """Whether an alarm depends on an alias."""
    return _behind.get(alarm) is alias


_REDRIVE: Final = (
    "Messages have failed for good and are in the dead-letter queue. Find the cause, then redrive them."
)
PERIOD: Final = Duration.seconds(_defaults.ALARM_PERIOD_SECONDS)
"""The period of all metrics: a minute."""


# --- queues --------------------------------------------------------------------------------------------


def dead_letters(queue: sqs.IQueue, *, description: str = _REDRIVE) -> Watch:
    """The first message in a dead-letter queue: nobody will retry it.

    SQS stops the metrics of a queue that nobody has used for six hours. The alarm keeps its state then, since the
    messages are still there. Whoever receives, redrives or purges them makes the queue active again, and the alarm
    is OK within minutes.
    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    return Watch(
        metric=queue.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum"),
        threshold=0,
        periods=1,
        datapoints=1,
        missing_data=cloudwatch.TreatMissingData.IGNORE,
        description=description,
    )


def oldest_message(queue: sqs.IQueue, *, seconds: float) -> Watch:
    """Messages that wait longer than a number of seconds."""
    return Watch(
        metric=queue.metric_approximate_age_of_oldest_message(period=PERIOD, statistic="Maximum"),
        threshold=seconds,
        description="Messages wait too long: the consumer is too slow, throttled or failing.",
    )


# --- functions, and the aliases in front of them -------------------------------------------------------


def function_errors(
    function: FunctionLike, *, timeout: float | None, of_version: dict[str, str] | None = None
) -> Watch:
    """The share of invocations that fail, in per cent.

    Args:
        function: The function, or the alias that is called.
        timeout: Its timeout in seconds, where it is known.
        of_version: The dimensions of one version alone, as `dimensions_of_version` has them.
    """
    dimensions = of_version or dimensions_of(function)
    return Watch(
        metric=cloudwatch.MathExpression(
            expression="100 * errors / invocations",
            label="Failed invocations (%)",
            using_metrics={
                "errors": function.metric_errors(period=PERIOD, dimensions_map=dimensions),
                "invocations": function.metric_invocations(period=PERIOD, dimensions_map=dimensions),
            },
            period=PERIOD,
        ),
        threshold=_defaults.ERROR_RATE_PERCENT,
        periods=minutes_back(timeout),
        description="Invocations fail: the handler raises an error or times out. The traceback is in its log group."
        if of_version is None
        else "Invocations of the version that is being released fail. CodeDeploy rolls back by itself; undo a release "
        "by hand.",
    )


def dimensions_of_version(
    function: lambda_.Function, alias_name: str, version: lambda_.IVersion
) -> dict[str, str]:
    """The dimensions of one version called through an alias; CDK's metrics of an alias leave the version out.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
    """
    name = function.function_name
    return {
        "FunctionName": name,
        "Resource": f"{name}:{alias_name}",
        "ExecutedVersion": version.version,
    }


def function_throttles(function: FunctionLike) -> Watch:
    """Invocations that Lambda refused."""
    return Watch(
        metric=function.metric_throttles(
            period=PERIOD, statistic="Sum", dimensions_map=dimensions_of(function)
        ),
        threshold=0,
        description="Lambda throttles invocations: the reserved or the account's concurrency is used up.",
    )


def function_latency(
    function: FunctionLike,
    *,
    timeout: float | None,
    milliseconds: float,
    of_version: dict[str, str] | None = None,
) -> Watch:
    """The duration of 99 in 100 invocations.

    Args:
        function: The function, or the alias that is called.
        timeout: Its timeout in seconds, where it is known.
        milliseconds: The longest acceptable duration.
        of_version: The dimensions of one version alone, as `dimensions_of_version` has them.
    """
    return Watch(
        metric=function.metric_duration(
            period=PERIOD, statistic="p99", dimensions_map=of_version or dimensions_of(function)
        ),
        threshold=milliseconds,
        periods=minutes_back(timeout),
        description="Invocations are slow: near the timeout, or above the latency threshold."
        if of_version is None
        else "Invocations of the version that is being released are slow. CodeDeploy rolls back by itself; undo a "
        "release by hand.",
    )


def provisioned_spillover(alias: lambda_.Alias) -> Watch:
    """Invocations that found no provisioned environment free.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html
    """
    return Watch(
        metric=alias.metric("ProvisionedConcurrencySpilloverInvocations", period=PERIOD, statistic="Sum"),
        threshold=0,
        description="Invocations start cold because all provisioned concurrency is in use. Provision more, or raise "
        "the maximum that it scales to.",
    )


def minutes_back(timeout: float | None) -> int:
    """How many minutes an alarm looks back.

    Lambda publishes a metric at the end of an invocation, with the time of its start.

    Args:
        timeout: Of the function's invocations, in seconds, where it is known.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html
    """
    return _defaults.ALARM_EVALUATION_PERIODS + int((timeout or 0) // _defaults.ALARM_PERIOD_SECONDS)


# --- events that a service delivers --------------------------------------------------------------------


def undelivered(*, namespace: str, metric: str, dimensions: dict[str, str]) -> Watch:
    """The first event that did not even reach its dead-letter queue, and is lost."""
    return Watch(
        metric=cloudwatch.Metric(
            namespace=namespace,
            metric_name=metric,
            dimensions_map=dimensions,
            period=PERIOD,
            statistic="Sum",
        ),
        threshold=0,
        periods=1,
        datapoints=1,
        description="Events could not be sent to their dead-letter queue and are lost. Check that the queue exists and "
        "that its policy and key allow the service.",
    )
