"""Process the messages of an Amazon MQ broker's queue, ActiveMQ or RabbitMQ, with a Lambda function."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

import jsii
from aws_cdk import Annotations, Duration, Fn
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, brokers, event_filter, location, permissions
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.invoked import of_mapping
from constructs_lib.foundation.resource import resource_of
from constructs_lib.practice.plugin import check_app_of

Engine = Literal["ActiveMQ", "RabbitMQ 3", "RabbitMQ 4"]

_PORTS: Final = {"ActiveMQ": 61617, "RabbitMQ 3": 5671, "RabbitMQ 4": 5671}
"""Where brokers listen (MQ_CONFIGURE)."""

_DEFAULT_HOST: Final = "/"
"""The virtual host that each RabbitMQ broker has."""

_BASIC_AUTH: Final = lambda_.SourceAccessConfigurationType.BASIC_AUTH
_VIRTUAL_HOST: Final = lambda_.SourceAccessConfigurationType.VIRTUAL_HOST


@jsii.implements(iam.IGrantable)
class BrokerConsumer(Construct):
    """A queue of an Amazon MQ broker whose messages your function processes.

    What is deployed: the event source mapping, on the alias, version or function that you pass; three alarms (size of
    the queue, errors, throttles), one more if you name the queue of dead letters, and the topic that they notify. The
    function's role may describe the broker, join its network, and read the secret. The broker, its queues and its
    network stay yours: synth shows what the network must let through. Only the alarms cost anything.

    Lambda acknowledges a batch if the invocation succeeds, whatever the handler returns. For brokers it has no
    partial batch responses, retries or on-failure destinations: if the handler raises an error, the whole batch goes
    back to the broker, which decides what happens next. Messages that were processed before the error are processed
    again: use the id of the message as the idempotency key.

    - ActiveMQ delivers a message 6 more times, by Lambda's own redelivery policy, and then moves it to its dead-letter
      queue, `ActiveMQ.DLQ` unless the broker's configuration names another.
    - RabbitMQ delivers it again without a limit, unless the queue has one: make it a quorum queue with
      `x-delivery-limit`, and give it a dead-letter exchange that is bound to a queue.

    Pass that queue as `dead_letter_queue`, and an alarm watches it. Since version 4 of RabbitMQ CloudWatch has metrics
    of the whole broker alone, and not of its queues: watch dead letters with Prometheus.

    Lambda invokes the function for up to 5 batches of an ActiveMQ queue at once, and for one of RabbitMQ. It reads
    queues, not topics, by OpenWire or AMQP 0-9-1, and logs in by user name and password. A broker without a standby is
    not available in its maintenance window.

    The broker, `queue` and `virtual_host` cannot be changed in place: CloudFormation creates a new mapping and deletes
    the old one, and both read for a moment. Removing `max_batching_window` does not bring back the half second that
    Lambda waits without it.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: Processes the batches: a function, or the alias or version to invoke.
        broker_arn: The ARN of the broker, of the same Region and account, such as `broker.attr_arn` of a `CfnBroker`.
        engine: What the broker is: "ActiveMQ", "RabbitMQ 3" or "RabbitMQ 4".
        queue: The name of the queue, up to 1,000 characters. It must exist.
        secret: A secret whose JSON has `username` and `password` of a user of the broker, of the same Region.
        virtual_host: RabbitMQ: the virtual host that has the queue; default "/".
        batch_size: Maximum number of messages in a batch, 1 to 10,000; default 100. A batch has at most 6 MB.
        max_batching_window: How long to wait for a full batch, 0 to 300 whole seconds; default half a second.
        filters: Filter patterns of `data`, at most 5, such as `{"data": {"type": ["moved"]}}`. Lambda takes messages
            that match none off the queue.
        dead_letter_queue: The queue that the broker moves failed messages to: only its alarm is created. Not for
            RabbitMQ 4, whose queues have no metrics in CloudWatch.
        queue_size: Alarm when more messages are in the queue for a quarter of an hour, at least 1; default 1,000. Of
            RabbitMQ 4, in all queues of the broker.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        function: The function, alias or version that you passed.
        event_source_mapping: The event source mapping between the queue and the function.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        queue_size_alarm: On the number of messages in the queue, or of RabbitMQ 4 in the broker.
        dead_letter_alarm: On the first message in `dead_letter_queue`. None without one.
        errors_alarm: On the share of invocations that fail.
        throttles_alarm: On throttled invocations.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
    """

    function: Final[FunctionLike]
    event_source_mapping: Final[lambda_.EventSourceMapping]
    alarm_topic: Final[sns.ITopic]
    queue_size_alarm: Final[cloudwatch.Alarm]
    dead_letter_alarm: Final[cloudwatch.Alarm | None]
    errors_alarm: Final[cloudwatch.Alarm]
    throttles_alarm: Final[cloudwatch.Alarm]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        broker_arn: str,
        engine: Engine,
        queue: str,
        secret: secretsmanager.ISecret | secretsmanager.Secret,
        virtual_host: str | None = None,
        batch_size: float = _defaults.STREAM_BATCH_SIZE,
        max_batching_window: Duration | None = None,
        filters: Sequence[Mapping[str, object]] = (),
        dead_letter_queue: str | None = None,
        queue_size: float = _defaults.QUEUE_SIZE_ALARM_MESSAGES,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
    ) -> None:
        """Create the consumer; the arguments are described at the class."""
        invoked, role = of_mapping(
            scope, function, longest_on_instances=_defaults.FUNCTION_TIMEOUT_SECONDS_MAX
        )
        Alarms.check_topic(scope, alarm_topic)
        _check_broker(scope, broker_arn, engine)
        _check_queue("queue", queue)
        if dead_letter_queue is not None:
            _check_queue("dead_letter_queue", dead_letter_queue)
            if dead_letter_queue == queue:
                raise InvalidPropsError(
                    f"dead_letter_queue must be another queue than {queue!r}, which is consumed. "
                    f"See {_defaults.MQ_ERRORS}"
                )
        if dead_letter_queue is not None and engine == "RabbitMQ 4":
            raise InvalidPropsError(
                "dead_letter_queue cannot be combined with engine='RabbitMQ 4': CloudWatch has no metrics of its "
                f"queues. Leave it out, and watch the queue with Prometheus. See {_metrics_page(engine)}"
            )
        _check_virtual_host(virtual_host, engine)
        brokers.check_secret(scope, "secret", secret, source=_defaults.MQ_CONFIGURE, required=True)
        _check_batches(batch_size, max_batching_window)
        patterns = event_filter.of_mapping(scope, filters, keys=("data",), source=_defaults.MQ_FILTERING)
        _validation.check_range("queue_size", queue_size, 1, float("inf"), source=_metrics_page(engine))

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        self.function = function
        host = None if engine == "ActiveMQ" else virtual_host or _DEFAULT_HOST
        holders = [
            permissions.allow_role(self, role, ["mq:DescribeBroker"], broker_arn, resource=self),
            brokers.allow_network(self, role),
            brokers.allow_secret(self, role, secret),
        ]
        access = [lambda_.SourceAccessConfiguration(type=_BASIC_AUTH, uri=secret.secret_arn)]
        if host is not None:
            access.append(lambda_.SourceAccessConfiguration(type=_VIRTUAL_HOST, uri=host))
        self.event_source_mapping = lambda_.EventSourceMapping(
            self,
            brokers.mapping_id(queue, virtual_host),
            target=function,
            event_source_arn=broker_arn,
            source_access_configurations=access,
            batch_size=batch_size,
            max_batching_window=max_batching_window,
            filters=patterns or None,
        )
        # CDK 2.275 has queues in the resource alone.
        resource_of(self.event_source_mapping, lambda_.CfnEventSourceMapping).queues = [queue]
        brokers.acknowledge_judges(self.event_source_mapping, has_destination=False)
        for holder in holders:
            permissions.wait(self.event_source_mapping, holder)
        self._inform(engine)

        alarms_here = Alarms(self, alarm_topic)
        self.alarm_topic = alarms_here.topic
        self.queue_size_alarm = alarms_here.add(
            "QueueSizeAlarm",
            Watch(
                metric=_messages(broker_arn, engine, host, queue),
                threshold=queue_size,
                periods=_defaults.BACKLOG_ALARM_MINUTES,
                datapoints=_defaults.BACKLOG_ALARM_MINUTES,
                description="Messages wait in the broker's queue: the function is too slow, throttled or failing, or "
                "Lambda cannot reach the broker. See what the state of the event source mapping shows.",
            ),
        )
        self.dead_letter_alarm = alarms_here.add(
            "DeadLetterAlarm",
            None
            if dead_letter_queue is None
            else Watch(
                metric=_messages(broker_arn, engine, host, dead_letter_queue),
                threshold=0,
                periods=1,
                datapoints=1,
                description="Messages have failed for good and are in the broker's dead-letter queue. Find the cause, "
                "then move them back.",
            ),
        )
        self.errors_alarm = alarms_here.add(
            "ErrorsAlarm", alarms.function_errors(function, timeout=invoked.watched_seconds)
        )
        self.throttles_alarm = alarms_here.add("ThrottlesAlarm", alarms.function_throttles(function))

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The function's role, so that `table.grant_write_data(consumer)` works."""
        return self.function.grant_principal

    def _inform(self, engine: Engine) -> None:
        Annotations.of(self).add_info_v2(
            "constructs-lib:network-of-brokers",
            "Lambda joins the network of the broker, with its security group, which must allow inbound traffic from "
            f"itself on the brokers' port, {_PORTS[engine]}, and outbound traffic on port 443. A broker that is not "
            "public also needs a NAT gateway in its VPC, or endpoints of Lambda, STS and Secrets Manager. See "
            f"{_defaults.MQ_CONFIGURE}",
        )


# --- arguments -----------------------------------------------------------------------------------------


def _check_broker(scope: Construct, broker_arn: str, engine: Engine) -> None:
    _validation.check_text("broker_arn", broker_arn)
    _validation.check_pattern(
        "broker_arn",
        broker_arn,
        _defaults.BROKER_ARN_PATTERN,
        "the ARN of a broker, such as arn:aws:mq:us-east-1:123456789012:broker:trips:b-1a2b3c4d",
        source=_defaults.MQ,
    )
    location.check_arn(
        scope,
        "broker_arn",
        broker_arn,
        way_out="Lambda reads brokers of its own Region and account only.",
        source=_defaults.MQ,
    )
    _validation.check_choice("engine", engine, get_args(Engine), source=_defaults.MQ)


def _check_queue(name: str, queue: str) -> None:
    _validation.check_text(name, queue)
    _validation.check_pattern(
        name,
        queue,
        f"(?s:.{{1,{_defaults.BROKER_QUEUE_CHARACTERS_MAX}}})",
        f"1 to {_defaults.BROKER_QUEUE_CHARACTERS_MAX:,} characters",
        source=_defaults.MQ_PARAMETERS,
    )


def _check_virtual_host(virtual_host: str | None, engine: Engine) -> None:
    if virtual_host is None:
        return
    if engine == "ActiveMQ":
        raise InvalidPropsError(
            f"virtual_host requires engine='RabbitMQ 3' or 'RabbitMQ 4', got {engine!r}. See {_defaults.MQ_PARAMETERS}"
        )
    _validation.check_text("virtual_host", virtual_host)
    _validation.check_pattern(
        "virtual_host",
        virtual_host,
        _defaults.VIRTUAL_HOST_PATTERN,
        "1 to 200 letters, digits, spaces, and - / * : _ + = . @",
        source=_defaults.CREATE_MAPPING_ACCESS,
    )


def _check_batches(batch_size: float, max_batching_window: Duration | None) -> None:
    page = _defaults.MQ_PARAMETERS
    _validation.check_range(
        "batch_size", batch_size, 1, _defaults.STREAM_BATCH_SIZE_MAX, whole=True, source=page
    )
    _validation.read_seconds(
        "max_batching_window",
        max_batching_window,
        high=_defaults.BATCHING_WINDOW_SECONDS_MAX,
        whole="seconds",
        source=page,
    )


# --- alarms --------------------------------------------------------------------------------------------


def _metrics_page(engine: Engine) -> str:
    return (
        "https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/"
        f"{engine.lower().partition(' ')[0]}-logging-monitoring.html"
    )


def _messages(broker_arn: str, engine: Engine, host: str | None, queue: str) -> cloudwatch.IMetric:
    """How many messages are in a queue.

    ActiveMQ counts by instance, `-1` and of a pair `-2`, of which one works; RabbitMQ 4 counts all queues together.

    Args:
        broker_arn: Has the name of the broker.
        engine: Of the broker.
        host: The virtual host of a RabbitMQ queue.
        queue: Its name.

    Sources: https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/activemq-logging-monitoring.html and
    https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/rabbitmq-logging-monitoring.html
    """
    known = not _validation.is_unresolved(broker_arn)
    name = (broker_arn.split(":") if known else Fn.split(":", broker_arn, 8))[6]
    if engine == "RabbitMQ 4":
        return _metric("MessageCount", {"Broker": name})
    if engine == "RabbitMQ 3":
        return _metric("MessageCount", {"Broker": name, "VirtualHost": host or _DEFAULT_HOST, "Queue": queue})
    return cloudwatch.MathExpression(
        expression="MAX([first, second])",
        label="Messages in the queue",
        using_metrics={
            "first": _metric("QueueSize", {"Broker": f"{name}-1", "Queue": queue}),
            "second": _metric("QueueSize", {"Broker": f"{name}-2", "Queue": queue}),
        },
        period=alarms.PERIOD,
    )


def _metric(name: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/AmazonMQ",
        metric_name=name,
        dimensions_map=dimensions,
        period=alarms.PERIOD,
        statistic="Maximum",
    )
