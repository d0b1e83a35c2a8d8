"""Know what the functions of an account take of its concurrency, before and after a deployment."""

from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.resource import resource_of
from constructs_lib.practice.concurrency_budget import METADATA
from constructs_lib.practice.plugin import check_app_of


class ConcurrencyBudget(Construct):
    """The limit of an account's concurrency in one Region: held by synth, and watched by three alarms.

    All functions of an account share one limit in each Region. What is reserved or provisioned for one function is
    taken away from all others, and 100 must stay unreserved. With a budget in any stack of that account and Region,
    synth fails when the functions of all stacks of the app take more, with a table of who takes what: the rule
    `concurrency-budget-exceeded` in docs/practice.md. Without one, synth warns about AWS's default of 1,000.

    What is deployed: three alarms, and the topic that they notify. They watch the whole account in this Region, of
    which the app may be a part: the alarms of one budget are enough for all apps together.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        account_limit: The quota "Concurrent executions" of the account in this Region, at least 1; default 1,000, which
            is AWS's default. A new account may have 10. It must be known at synth.
        taken_elsewhere: What functions outside of this app have reserved and provisioned, 0 to `account_limit`; default
            0.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        claimed_alarm: On more than 90 % of the limit claimed: reserved, provisioned, or in use beyond that. New
            reservations are refused soon, and other functions throttled.
        concurrent_executions_alarm: On more than 90 % of the limit in use, whoever reserved it.
        unreserved_alarm: On more than 90 % in use of what functions without a reservation share.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html
    """

    claimed_alarm: Final[cloudwatch.Alarm]
    concurrent_executions_alarm: Final[cloudwatch.Alarm]
    unreserved_alarm: Final[cloudwatch.Alarm]
    alarm_topic: Final[sns.ITopic]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        account_limit: float = _defaults.ACCOUNT_CONCURRENCY,
        taken_elsewhere: float = 0,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
    ) -> None:
        """Create the budget; the arguments are described at the class."""
        _check_number("account_limit", account_limit, 1, float("inf"))
        _check_number("taken_elsewhere", taken_elsewhere, 0, account_limit)
        Alarms.check_topic(scope, alarm_topic)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        alarms_here = Alarms(self, alarm_topic)
        self.alarm_topic = alarms_here.topic
        self.claimed_alarm = alarms_here.add("ClaimedAlarm", _claimed(account_limit), needed=True)
        self.concurrent_executions_alarm = alarms_here.add(
            "ConcurrentExecutionsAlarm", _concurrent_executions(account_limit), needed=True
        )
        self.unreserved_alarm = alarms_here.add("UnreservedAlarm", _unreserved(account_limit), needed=True)
        resource_of(self.claimed_alarm, cloudwatch.CfnAlarm).add_metadata(
            METADATA, {"AccountLimit": int(account_limit), "TakenElsewhere": int(taken_elsewhere)}
        )


def _check_number(name: str, value: float, low: float, high: float) -> None:
    source = _defaults.LAMBDA_QUOTAS
    if value is None or value == float("inf") or _validation.is_unresolved(value):
        got = "a token" if _validation.is_unresolved(value) else repr(value)
        raise InvalidPropsError(
            f"{name} must be a number that is known at synth, got {got}: synth compares it with what the functions "
            f"take. See {source}"
        )
    _validation.check_range(name, value, low, high, whole=True, source=source)


# --- alarms --------------------------------------------------------------------------------------------


def _metric(name: str) -> cloudwatch.Metric:
    """A metric of the whole account in a Region, which has no dimensions."""
    return cloudwatch.Metric(
        namespace="AWS/Lambda", metric_name=name, period=alarms.PERIOD, statistic="Maximum"
    )


def _claimed(limit: float) -> Watch:
    return _watch(
        _metric("ClaimedAccountConcurrency"),
        limit * _defaults.CONCURRENCY_ALARM_SHARE,
        "Nearly all of the account's concurrency in this Region is reserved, provisioned or in use: functions without "
        "a reservation are throttled soon. Lower what is reserved and not used, or request a higher quota.",
    )


def _concurrent_executions(limit: float) -> Watch:
    return _watch(
        _metric("ConcurrentExecutions"),
        limit * _defaults.CONCURRENCY_ALARM_SHARE,
        "Nearly all of the account's concurrency in this Region is in use. Find out which function uses it; if that is "
        "right, request a higher quota.",
    )


def _unreserved(limit: float) -> Watch:
    """The share in use of what is not allocated.

    By the definition of the claimed concurrency, `claimed - unreserved` is what is allocated.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html
    """
    return _watch(
        cloudwatch.MathExpression(
            expression=f"100 * unreserved / ({limit:.0f} - (claimed - unreserved))",
            label="Unreserved concurrency in use (%)",
            using_metrics={
                "claimed": _metric("ClaimedAccountConcurrency"),
                "unreserved": _metric("UnreservedConcurrentExecutions"),
            },
            period=alarms.PERIOD,
        ),
        100 * _defaults.CONCURRENCY_ALARM_SHARE,
        "Functions without a reservation use nearly all of the concurrency that they share, and are throttled soon. "
        "Find the one that uses most of it and reserve concurrency for it, which limits it too, or lower other "
        "reservations.",
    )


def _watch(metric: cloudwatch.IMetric, threshold: float, description: str) -> Watch:
    """Ten minutes of ten, as AWS recommends for the claimed concurrency."""
    return Watch(
        metric=metric,
        threshold=threshold,
        periods=_defaults.CONCURRENCY_ALARM_MINUTES,
        datapoints=_defaults.CONCURRENCY_ALARM_MINUTES,
        description=description,
    )
