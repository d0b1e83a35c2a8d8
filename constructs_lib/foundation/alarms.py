"""The recommended alarms: one maker for each thing that can go wrong.

Each alarm has an action, treats missing data as good unless it says why not (no traffic is not a fault), and watches
the alias where there is one.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html
"""

from aws_cdk import Acknowledgment, Duration, Stack, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions
from constructs_lib.foundation.called import LATEST, called


def check_topic(scope: Construct, given: sns.ITopic | None) -> None:
    """Refuse a topic that no alarm would reach.

    Args:
        scope: Where the construct with the alarms is going to be.
        given: What was given as `alarm_topic`; None: a topic is made.

    Raises:
        InvalidPropsError: It is not a topic, or is under the key that SNS manages, or in another Region.
    """
    _validation.kind("alarm_topic", given, "topic_arn", "a topic")
    if given is None:
        return
    location.check(
        scope,
        "alarm_topic",
        given,
        same_account=False,
        way_out="An alarm notifies topics of its own Region only: make one there, or leave alarm_topic out.",
        source=_defaults.ALARM_ACTIONS,
    )
    key = given.master_key
    resource = given.node.default_child
    ids = (resource.kms_master_key_id if isinstance(resource, sns.CfnTopic) else None, key and key.key_arn)
    if any(str(each).endswith("alias/aws/sns") for each in ids):
        raise InvalidPropsError(
            f"alarm_topic {given.node.path} is under the key alias/aws/sns, which does not let CloudWatch in: no alarm "
            f"would arrive. Use your own key, or none. See {_defaults.TOPIC_KEYS}"
        )


def topic_or_own(scope: Construct, given: sns.ITopic | None) -> sns.ITopic:
    """The topic for a construct's alarms.

    A topic policy replaces SNS's own, which lets the account's alarms in: so a topic of this app that has one gets
    the statement for it, and so does its key. Of an imported topic, its owner is told.

    Args:
        scope: The construct.
        given: The user's topic; None: one is made, over TLS only, which nobody has subscribed to yet.

    Returns:
        The topic.
    """
    target = _topic(scope) if given is None else given
    from_alarms = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    publish = iam.PolicyStatement(
        sid="AlarmsOfThisAccount",
        actions=["sns:Publish"],
        principals=[_cloudwatch()],
        resources=[target.topic_arn],
        conditions=from_alarms,
    )
    if given is None or given.node.try_find_child("Policy") is not None:
        target.add_to_resource_policy(publish)
    elif not isinstance(target, sns.Topic):
        permissions.tell_owner(
            target,
            target,
            publish,
            unless="it is SNS's default policy and the topic is in the alarms' account",
        )
    key = target.master_key
    if key is not None:
        use = iam.PolicyStatement(
            actions=["kms:GenerateDataKey*", "kms:Decrypt"],
            principals=[_cloudwatch()],
            resources=["*"],
            conditions=from_alarms,
        )
        permissions.allow(target, key, use)
    return target


def _cloudwatch() -> iam.ServicePrincipal:
    return iam.ServicePrincipal("cloudwatch.amazonaws.com")


def _topic(scope: Construct) -> sns.Topic:
    made = sns.Topic(scope, "AlarmTopic", enforce_ssl=True)
    Validations.of(made).acknowledge(
        Acknowledgment(
            id="AwsSolutions-SNS2",
            reason="CloudWatch cannot publish to a topic under the AWS-managed key, and an alarm's text holds "
            "names and figures only. Pass alarm_topic= to use a topic under your own key.",
        )
    )
    return made


def dead_letters(
    scope: Construct, construct_id: str, *, queue: sqs.IQueue, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on the first message in a dead-letter queue.

    SQS stops the metrics of a queue that nobody has used for six hours. The alarm keeps its state then, since the
    messages are still there. Whoever receives, redrives or purges them makes the queue active again, and the alarm
    is OK within minutes.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        queue: The dead-letter queue.
        send_to: The topic to notify.

    Returns:
        The alarm, on a single minute with a message: each is one that nobody will retry.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    return alarm(
        scope,
        construct_id,
        metric=queue.metric_approximate_number_of_messages_visible(
            period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS), statistic="Maximum"
        ),
        threshold=0,
        periods=1,
        datapoints=1,
        missing_data=cloudwatch.TreatMissingData.IGNORE,
        description="Messages failed for good and wait in the dead-letter queue. Find out why, then redrive.",
        send_to=send_to,
    )


def oldest_message(
    scope: Construct, construct_id: str, *, queue: sqs.IQueue, seconds: float, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on messages that wait too long.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        queue: The source queue.
        seconds: The longest acceptable age of its oldest message.
        send_to: The topic to notify.

    Returns:
        The alarm.
    """
    return alarm(
        scope,
        construct_id,
        metric=queue.metric_approximate_age_of_oldest_message(
            period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS), statistic="Maximum"
        ),
        threshold=seconds,
        description="Messages wait longer than they should: the consumer is too slow, throttled or failing.",
        send_to=send_to,
    )


def function_errors(
    scope: Construct,
    construct_id: str,
    *,
    function: FunctionLike,
    timeout: float | None,
    send_to: sns.ITopic,
) -> cloudwatch.Alarm:
    """Alarm on the share of invocations that fail.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        function: The function, or the alias that is called.
        timeout: Its timeout in seconds, where it is known.
        send_to: The topic to notify.

    Returns:
        The alarm, on errors in per cent of invocations.
    """
    return alarm(
        scope,
        construct_id,
        metric=_error_rate(function),
        threshold=_defaults.ERROR_RATE_PERCENT,
        description="Invocations fail: the handler raises or times out. Its log group has the traceback.",
        send_to=send_to,
        periods=minutes_back(timeout),
    )


def function_throttles(
    scope: Construct, construct_id: str, *, function: FunctionLike, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on invocations that Lambda refused.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        function: The function, or the alias that is called.
        send_to: The topic to notify.

    Returns:
        The alarm.
    """
    return alarm(
        scope,
        construct_id,
        metric=function.metric_throttles(
            period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS),
            statistic="Sum",
            dimensions_map=of_qualifier(function),
        ),
        threshold=0,
        description="Lambda refuses invocations: the reserved or the account's concurrency is used up.",
        send_to=send_to,
    )


def function_latency(
    scope: Construct,
    construct_id: str,
    *,
    function: FunctionLike,
    timeout: float | None,
    milliseconds: float,
    send_to: sns.ITopic,
) -> cloudwatch.Alarm:
    """Alarm on invocations that take long.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        function: The function, or the alias that is called.
        timeout: Its timeout in seconds, where it is known.
        milliseconds: The longest acceptable duration of 99 in 100 invocations.
        send_to: The topic to notify.

    Returns:
        The alarm, on the 99th percentile.
    """
    return alarm(
        scope,
        construct_id,
        metric=_latency(function),
        threshold=milliseconds,
        description="Invocations take long, and are near their timeout or the latency that was promised.",
        send_to=send_to,
        periods=minutes_back(timeout),
    )


def new_version_errors(
    scope: Construct,
    construct_id: str,
    *,
    alias: lambda_.Alias,
    version: lambda_.IVersion,
    timeout: float | None,
    send_to: sns.ITopic,
) -> cloudwatch.Alarm:
    """Alarm on the share of failed invocations of one version alone, called through the alias.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        alias: The alias that is called.
        version: The version that is being released.
        timeout: Of the function, in seconds, where it is known.
        send_to: The topic to notify.

    Returns:
        The alarm, on errors in per cent of invocations.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
    """
    return alarm(
        scope,
        construct_id,
        metric=_error_rate(alias, _executed(alias, version)),
        threshold=_defaults.ERROR_RATE_PERCENT,
        description="Invocations of the version that is being released fail: a release by CodeDeploy rolls "
        "back, one by hand is to be taken back.",
        send_to=send_to,
        periods=minutes_back(timeout),
    )


def new_version_latency(
    scope: Construct,
    construct_id: str,
    *,
    alias: lambda_.Alias,
    version: lambda_.IVersion,
    timeout: float | None,
    milliseconds: float,
    send_to: sns.ITopic,
) -> cloudwatch.Alarm:
    """Alarm on the latency of one version alone, called through the alias.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        alias: The alias that is called.
        version: The version that is being released.
        timeout: Of the function, in seconds, where it is known.
        milliseconds: The longest acceptable duration of 99 in 100 invocations.
        send_to: The topic to notify.

    Returns:
        The alarm, on the 99th percentile.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
    """
    return alarm(
        scope,
        construct_id,
        metric=_latency(alias, _executed(alias, version)),
        threshold=milliseconds,
        description="Invocations of the version that is being released take long: a release by CodeDeploy "
        "rolls back, one by hand is to be taken back.",
        send_to=send_to,
        periods=minutes_back(timeout),
    )


def provisioned_spillover(
    scope: Construct, construct_id: str, *, alias: lambda_.Alias, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on invocations that found no provisioned environment free.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        alias: The alias with the provisioned concurrency.
        send_to: The topic to notify.

    Returns:
        The alarm.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html
    """
    return alarm(
        scope,
        construct_id,
        metric=alias.metric(
            "ProvisionedConcurrencySpilloverInvocations",
            period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS),
            statistic="Sum",
        ),
        threshold=0,
        description="Invocations run on demand, with a cold start, because all provisioned concurrency is in "
        "use. Provision more, or let it scale higher.",
        send_to=send_to,
    )


def provisioned_utilization(
    scope: Construct, construct_id: str, *, alias: lambda_.Alias, above: float, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on provisioned concurrency that is nearly used up, where that is more than ordinary use.

    One environment of one is full with each call: below ten in use the alarm is silent, and the one on spillover
    tells what is missing.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        alias: The alias with the provisioned concurrency.
        above: The highest acceptable share in use, 0 to 1.
        send_to: The topic to notify.

    Returns:
        The alarm.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html
    """
    return alarm(
        scope,
        construct_id,
        metric=cloudwatch.MathExpression(
            expression=f"IF(used >= {_defaults.UTILIZATION_ALARM_LEAST_IN_USE}, share, 0)",
            label="Share of the provisioned concurrency in use",
            using_metrics={
                "used": _highest(alias, "ProvisionedConcurrentExecutions"),
                "share": _highest(alias, "ProvisionedConcurrencyUtilization"),
            },
            period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS),
        ),
        threshold=above,
        description="Nearly all provisioned concurrency is in use. Provision more, or let it scale higher.",
        send_to=send_to,
    )


def _highest(alias: lambda_.Alias, metric: str) -> cloudwatch.Metric:
    return alias.metric(metric, period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS), statistic="Maximum")


def minutes_back(timeout: float | None) -> int:
    """How far an alarm looks back for what Lambda publishes at the end of an invocation and dates at its beginning.

    Args:
        timeout: Of the function, in seconds, where it is known.

    Returns:
        The number of its periods.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html
    """
    longest = min(timeout or 0, _defaults.FUNCTION_TIMEOUT_SECONDS_MAX)
    return _defaults.ALARM_EVALUATION_PERIODS + int(longest // _defaults.ALARM_PERIOD_SECONDS)


def _executed(alias: lambda_.Alias, version: lambda_.IVersion) -> dict[str, str]:
    """The dimensions of one version called through the alias; CDK's metrics of an alias leave the version out."""
    name = alias.lambda_.function_name
    return {
        "FunctionName": name,
        "Resource": f"{name}:{alias.alias_name}",
        "ExecutedVersion": version.version,
    }


def _error_rate(
    function: FunctionLike, dimensions: dict[str, str] | None = None
) -> cloudwatch.MathExpression:
    period = Duration.seconds(_defaults.ALARM_PERIOD_SECONDS)
    dimensions = dimensions or of_qualifier(function)
    return cloudwatch.MathExpression(
        expression="100 * errors / invocations",
        label="Failed invocations (%)",
        using_metrics={
            "errors": function.metric_errors(period=period, dimensions_map=dimensions),
            "invocations": function.metric_invocations(period=period, dimensions_map=dimensions),
        },
        period=period,
    )


def of_qualifier(function: FunctionLike) -> dict[str, str] | None:
    """By what the metrics of a version are found: CDK asks for a function of the version's name, which there is not.

    Args:
        function: The function, or the alias or version that is called.

    Returns:
        Names and values; None where CDK has them right.
    """
    if hasattr(function, "alias_name"):
        return None
    it = called(function)
    if it.qualifier == LATEST:
        return None
    name = it.base.function_name if it.base is not function else it.base_arn.rpartition(":")[2]
    return {"FunctionName": name, "Resource": f"{name}:{it.qualifier}"}


def undelivered(
    scope: Construct,
    construct_id: str,
    *,
    namespace: str,
    metric: str,
    dimensions: dict[str, str],
    send_to: sns.ITopic,
) -> cloudwatch.Alarm:
    """Alarm on the first event that did not even reach its dead-letter queue.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        namespace: Of the service that could not hand it over.
        metric: What it calls that.
        dimensions: Whose events.
        send_to: The topic to notify.

    Returns:
        The alarm, on a single minute: each is an event that is lost.
    """
    return alarm(
        scope,
        construct_id,
        metric=cloudwatch.Metric(
            namespace=namespace,
            metric_name=metric,
            dimensions_map=dimensions,
            period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS),
            statistic="Sum",
        ),
        threshold=0,
        periods=1,
        datapoints=1,
        description="Events could not be sent to their dead-letter queue and are lost. Check that the queue exists and "
        "that its policy and key allow the service.",
        send_to=send_to,
    )


def _latency(function: FunctionLike, dimensions: dict[str, str] | None = None) -> cloudwatch.Metric:
    return function.metric_duration(
        period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS),
        statistic="p99",
        dimensions_map=dimensions or of_qualifier(function),
    )


def alarm(
    scope: Construct,
    construct_id: str,
    *,
    metric: cloudwatch.IMetric,
    threshold: float,
    comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    description: str,
    send_to: sns.ITopic,
    periods: int = _defaults.ALARM_EVALUATION_PERIODS,
    datapoints: int = _defaults.ALARM_DATAPOINTS,
    missing_data: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
) -> cloudwatch.Alarm:
    """Make an alarm as all of them are.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        metric: What it looks at.
        threshold: What is too much, or too little.
        comparison: Which of the two.
        description: What is wrong, and what to do, for the one who is woken.
        send_to: The topic to notify.
        periods: How many minutes it looks back.
        datapoints: How many of them must be bad.
        missing_data: What a minute without data counts for; as good unless the metric stops while the fault goes on.

    Returns:
        The alarm.
    """
    made = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=threshold,
        comparison_operator=comparison,
        evaluation_periods=periods,
        datapoints_to_alarm=datapoints,
        treat_missing_data=missing_data,
        alarm_description=description,
    )
    made.add_alarm_action(actions.SnsAction(send_to))
    return made
