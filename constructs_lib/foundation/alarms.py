"""The recommended alarms: one maker for each thing that can go wrong.

Each alarm has an action, treats missing data as good (no traffic is no fault), and looks at the alias where
there is one.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html
"""

from aws_cdk import Acknowledgment, Duration, Stack, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib._types import FunctionLike


def topic(scope: Construct, construct_id: str) -> sns.Topic:
    """Make a topic that CloudWatch may send alarms to, over TLS only.

    A topic policy replaces SNS's own, which lets the account's alarms in: so this one says it again.

    Args:
        scope: Where to put it.
        construct_id: Its name there.

    Returns:
        The topic; nobody has subscribed to it yet.
    """
    made = sns.Topic(scope, construct_id, enforce_ssl=True)
    made.add_to_resource_policy(
        iam.PolicyStatement(
            sid="AlarmsOfThisAccount",
            actions=["sns:Publish"],
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            resources=[made.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
        )
    )
    Validations.of(made).acknowledge(
        Acknowledgment(
            id="AwsSolutions-SNS2",
            reason="CloudWatch cannot publish to a topic under the AWS-managed key, and an alarm's text holds "
            "names and figures only. Pass alarm_topic= to use a topic under a key of yours.",
        )
    )
    return made


def dead_letters(
    scope: Construct, construct_id: str, *, queue: sqs.IQueue, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on the first message in a dead-letter queue.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        queue: The dead-letter queue.
        send_to: The topic to notify.

    Returns:
        The alarm, on a single minute with a message: each is one that nobody will retry.
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
    scope: Construct, construct_id: str, *, function: FunctionLike, send_to: sns.ITopic
) -> cloudwatch.Alarm:
    """Alarm on the share of invocations that fail.

    Args:
        scope: Where to put it.
        construct_id: Its name there.
        function: The function, or the alias that is called.
        send_to: The topic to notify.

    Returns:
        The alarm, on errors in per cent of invocations.
    """
    period = Duration.seconds(_defaults.ALARM_PERIOD_SECONDS)
    return alarm(
        scope,
        construct_id,
        metric=cloudwatch.MathExpression(
            expression="100 * errors / invocations",
            label="Failed invocations (%)",
            using_metrics={
                "errors": function.metric_errors(period=period),
                "invocations": function.metric_invocations(period=period),
            },
            period=period,
        ),
        threshold=_defaults.ERROR_RATE_PERCENT,
        description="Invocations fail: the handler raises or times out. Its log group has the traceback.",
        send_to=send_to,
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
            period=Duration.seconds(_defaults.ALARM_PERIOD_SECONDS), statistic="Sum"
        ),
        threshold=0,
        description="Lambda refuses invocations: the reserved or the account's concurrency is used up.",
        send_to=send_to,
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
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=description,
    )
    made.add_alarm_action(actions.SnsAction(send_to))
    return made
