"""Process the messages of an SQS queue with a Lambda function: failed messages are retried, then kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Annotations, Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, encryption, event_filter, location, permissions
from constructs_lib.foundation.acknowledgment import acknowledge
from constructs_lib.foundation.alarms import Alarms
from constructs_lib.foundation.invoked import Invoked, of_mapping
from constructs_lib.foundation.resource import resource_of
from constructs_lib.practice.plugin import check_app_of

_RECEIVING: Final = (
    "sqs:ReceiveMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueUrl",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
)
"""The same actions as in CDK's own Queue.grant_consume_messages."""

_RETENTION: Final = Duration.seconds(_defaults.RETENTION_SECONDS)
_DEAD_LETTER_RETENTION: Final = Duration.seconds(_defaults.DEAD_LETTER_RETENTION_SECONDS)

_total_max_concurrency: WeakKeyDictionary[lambda_.Function, float] = WeakKeyDictionary()
"""The sum of `max_concurrency` over the consumers of each function: its reserved concurrency has to serve all."""


@jsii.implements(iam.IGrantable)
class QueueConsumer(Construct):
    """An SQS queue whose messages your function processes, with a dead-letter queue and alarms.

    What is deployed: the queue and its dead-letter queue, encrypted and reachable over TLS only; the event
    source mapping, which retries the messages that failed and not the rest of their batch; four alarms and the topic
    that they notify. The function's role may receive from the queue, and use its key.

    The handler must return `{"batchItemFailures": [{"itemIdentifier": message id}, ...]}`, as Powertools'
    `BatchProcessor` does. An empty list means that every message succeeded, and so does a handler that returns nothing
    (None): Lambda then deletes the whole batch. If the handler raises an error, the whole batch fails, and messages
    that were already processed are received again. With a FIFO queue the handler must stop at the first failure and
    return that message and all that follow it, as Powertools' `SqsFifoPartialProcessor` does: otherwise messages
    overtake the one that is retried. docs/queue.md has both handlers.

    AWS recommends a `visibility_timeout` of six times the function's timeout, plus the batching window, and a
    `max_receive_count` of 5 or more. Less is accepted with a warning, which
    `Annotations.of(consumer).acknowledge_warning(id, reason)` silences: `constructs-lib:short-visibility-timeout` and
    `constructs-lib:few-receives`.

    All alarms evaluate metrics of one minute. That on dead letters goes off at the first message. The others go off
    when two of the last three minutes are bad: the oldest message is older than `oldest_message_age`, more than 1 % of
    the invocations fail, or an invocation is throttled. For errors they are the last three minutes and the function's
    timeout.

    The construct may be in another stack than the function, also in a nested one, of the same Region and account.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: Processes the batches: a function, or the alias or version to invoke. A function that may send to
            this queue, by the policies of its role, fails synth, unless its `recursive_loop` is ALLOW.
        queue: An existing queue of the same Region to process messages from; None: a queue is created. It is either a
            queue that this app defines, whose settings are checked, or an imported one
            (`Queue.from_queue_arn(...)`), whose settings the app does not know. The queue of another account must
            let the function's role receive, in its own policy.
        dead_letter_queue: With an imported `queue`: the dead-letter queue of its redrive policy. The consumer creates
            an alarm on it, and changes nothing else. In all other cases the consumer knows the dead-letter queue.
        batch_size: Maximum number of messages in a batch, 1 to 10,000, FIFO 1 to 10; default 10. Above 10 requires
            a `max_batching_window` of at least 1 second.
        max_batching_window: How long to wait for a full batch, 0 to 300 seconds; default 0. Not for FIFO.
        max_concurrency: Maximum number of concurrent invocations, 2 to 1,000, and at most the function's reserved
            concurrency, together with that of other consumers of the function; default is the function's own
            concurrency.
        minimum_pollers: Minimum number of event pollers, 2 to 200, for provisioned mode, which is paid for by the
            hour. Cannot be combined with `max_concurrency`.
        maximum_pollers: Maximum number of event pollers, 2 to 10,000, each with up to 10 concurrent invocations; for
            provisioned mode.
        max_receive_count: How many times a message is received before it is moved to the dead-letter queue, 1 to
            1,000; default 5. With fewer, throttling alone makes dead letters.
        visibility_timeout: How long a message is hidden after it is received, at least the function's timeout;
            default six times that timeout, plus the batching window. Required if the timeout is unknown.
        retention_period: How long SQS keeps a message that is not deleted, 60 seconds to 14 days, and longer than
            `max_receive_count` times `visibility_timeout`; default 4 days. For a standard queue shorter than
            `dead_letter_retention_period`, and thus less than 14 days.
        dead_letter_retention_period: How long SQS keeps a dead letter, 60 seconds to 14 days; default 14 days. For a
            standard queue, the age of a dead letter counts from when it was first sent to the source queue.
        fifo: Whether the queue and its dead-letter queue are FIFO: in order within a message group. A dead letter
            leaves a gap in that order.
        content_based_deduplication: For FIFO: whether the hash of the body is the deduplication id.
        encryption_key: Your own KMS key, of the same Region; default is a key that SQS manages, without cost.
        filters: Filter patterns, at most 5, such as `{"body": {"type": ["trip.completed"]}}`. Lambda deletes the
            messages that match none. AWS supports patterns on `body` only.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.
        oldest_message_age: Alarm when the oldest message is older, at least 1 second and below `retention_period`;
            default 15 minutes, or half of `retention_period` if that is less.
        removal_policy: What happens to both queues and their messages when the stack is deleted; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        queue: The queue: the `sqs.Queue` that was created, or the queue that you passed.
        dead_letter_queue: Where messages go after `max_receive_count` receives. None for an imported `queue` if you
            passed no `dead_letter_queue`.
        event_source_mapping: The event source mapping between the queue and the function.
        function: The function, alias or version that you passed.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        dead_letter_alarm: On the first message in `dead_letter_queue`. None if that queue is unknown, or in another
            account, where its metrics are.
        oldest_message_alarm: On the age of the oldest message. None if the queue is in another account, where its
            metrics are.
        errors_alarm: On the share of invocations that fail.
        throttles_alarm: On throttled invocations.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """

    queue: Final[sqs.IQueue]
    dead_letter_queue: Final[sqs.IQueue | None]
    event_source_mapping: Final[lambda_.EventSourceMapping]
    function: Final[FunctionLike]
    alarm_topic: Final[sns.ITopic]
    dead_letter_alarm: Final[cloudwatch.Alarm | None]
    oldest_message_alarm: Final[cloudwatch.Alarm | None]
    errors_alarm: Final[cloudwatch.Alarm]
    throttles_alarm: Final[cloudwatch.Alarm]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        queue: sqs.IQueue | sqs.Queue | None = None,
        dead_letter_queue: sqs.IQueue | sqs.Queue | None = None,
        batch_size: float = _defaults.BATCH_SIZE,
        max_batching_window: Duration | None = None,
        max_concurrency: float | None = None,
        minimum_pollers: float | None = None,
        maximum_pollers: float | None = None,
        max_receive_count: float | None = None,
        visibility_timeout: Duration | None = None,
        retention_period: Duration | None = None,
        dead_letter_retention_period: Duration | None = None,
        fifo: bool = False,
        content_based_deduplication: bool = False,
        encryption_key: kms.IKey | kms.Key | None = None,
        filters: Sequence[Mapping[str, object]] = (),
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        oldest_message_age: Duration | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the consumer; the arguments are described at the class."""
        invoked, role = of_mapping(scope, function)
        _validation.check_flag("fifo", fifo)
        _validation.check_flag("content_based_deduplication", content_based_deduplication)
        _validation.check_member("removal_policy", removal_policy, RemovalPolicy, without="SNAPSHOT")
        _check_places(scope, queue, dead_letter_queue, encryption_key)
        if queue is not None:
            _check_existing(
                queue,
                dead_letter_queue,
                max_receive_count=max_receive_count,
                visibility_timeout=visibility_timeout,
                retention_period=retention_period,
                dead_letter_retention_period=dead_letter_retention_period,
                fifo=fifo or None,
                content_based_deduplication=content_based_deduplication or None,
                encryption_key=encryption_key,
                removal_policy=removal_policy,
            )
            fifo = queue.fifo
        elif dead_letter_queue is not None:
            raise InvalidPropsError(
                "dead_letter_queue requires an imported queue as `queue`: QueueConsumer creates the dead-letter queue "
                "of the queue that it creates. Leave dead_letter_queue out."
            )
        _check_batch_size(batch_size, fifo=fifo)
        window = _batching_window_seconds(max_batching_window, batch_size, fifo=fifo)
        dead_retention = _validation.read_seconds(
            "dead_letter_retention_period",
            dead_letter_retention_period,
            _defaults.DEAD_LETTER_RETENTION_SECONDS,
        )
        Alarms.check_topic(scope, alarm_topic)
        _check_pollers(max_concurrency, minimum_pollers, maximum_pollers)
        if content_based_deduplication and not fifo:
            raise InvalidPropsError(
                "content_based_deduplication requires fifo=True: standard queues do not deduplicate messages."
            )
        patterns = event_filter.of_mapping(
            scope, filters, keys=_defaults.SQS_RECORD_KEYS, source=_defaults.SQS_FILTERING
        )
        settings = (
            _settings_of_a_new_queue(
                invoked, window or 0, max_receive_count, visibility_timeout, retention_period
            )
            if queue is None
            else _settings_of(queue)
        )
        recommended = _recommended_visibility(invoked, window or 0)
        _check_settings(settings, invoked)
        if queue is None:
            _check_dead_letter_retention(
                "dead_letter_retention_period",
                dead_retention,
                "retention_period",
                settings.retention,
                fifo=fifo,
            )
        oldest = _oldest_message_seconds(oldest_message_age, settings.retention)
        _check_reserved(invoked, max_concurrency)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        if (
            invoked.function is not None
            and max_concurrency
            and not _validation.is_unresolved(max_concurrency)
        ):
            _total_max_concurrency[invoked.function] = (
                _total_max_concurrency.get(invoked.function, 0) + max_concurrency
            )

        self.function = function
        source: sqs.IQueue
        dead_letters: sqs.IQueue | None
        if queue is None:
            source, dead_letters = self._make_queues(
                visibility=visibility_timeout or Duration.seconds(settings.visibility or 0),
                retention=retention_period or _RETENTION,
                dead_retention=dead_letter_retention_period or _DEAD_LETTER_RETENTION,
                max_receive_count=_defaults.MAX_RECEIVE_COUNT
                if max_receive_count is None
                else max_receive_count,
                fifo=fifo,
                content_based_deduplication=content_based_deduplication,
                encryption_key=encryption_key,
                removal_policy=removal_policy or RemovalPolicy.RETAIN,
            )
        else:
            source, dead_letters = queue, dead_letter_queue or _dead_letter_queue_of(queue)
            if not isinstance(queue, sqs.Queue):
                at_least = (
                    "6 times the function's timeout, plus the batching window"
                    if recommended is None
                    else f"{recommended:g} seconds"
                )
                Annotations.of(self).add_info_v2(
                    "constructs-lib:imported-queue",
                    f"The settings of an imported queue are unknown here. Its visibility timeout should be at least "
                    f"{at_least}, and it needs a redrive policy with a maxReceiveCount of "
                    f"{_defaults.MAX_RECEIVE_COUNT_RECOMMENDED} or more.",
                )
        self._warn(settings, recommended)
        if event_filter.looks_beside_the_body(filters):
            Annotations.of(self).add_warning_v2(
                "constructs-lib:filter-beside-body",
                "filters have other keys than body. AWS supports filters of a queue on body only, and Lambda deletes "
                "each message that matches no filter: good messages may be lost. Filter on body, or in the handler. "
                f"See {_defaults.SQS_FILTERING}",
            )
        self.queue = source
        self.dead_letter_queue = dead_letters
        if isinstance(dead_letters, sqs.Queue):
            # A redrive policy of its own would send dead letters on, and away from the alarm.
            acknowledge(
                dead_letters,
                {
                    "Serverless-SQSRedrivePolicy": "This is the dead-letter queue: messages end here until somebody "
                    "redrives them."
                },
            )
        arn = source.queue_arn
        holder = permissions.allow_role(
            self,
            role,
            _RECEIVING,
            arn,
            resource=source,
            key=source.encryption_master_key,
            key_actions=["kms:Decrypt"],
        )
        self.event_source_mapping = lambda_.EventSourceMapping(
            self,
            "EventSourceMapping",
            target=function,
            event_source_arn=arn,
            batch_size=batch_size,
            max_batching_window=max_batching_window,
            max_concurrency=max_concurrency,
            provisioned_poller_config=None
            if minimum_pollers is None and maximum_pollers is None
            else lambda_.ProvisionedPollerConfig(
                minimum_pollers=minimum_pollers,
                maximum_pollers=None
                if maximum_pollers is None
                else min(maximum_pollers, _defaults.MAXIMUM_POLLERS_MAX),
            ),
            report_batch_item_failures=True,
            filters=patterns or None,
        )
        if maximum_pollers is not None and maximum_pollers > _defaults.MAXIMUM_POLLERS_MAX:
            _set_pollers(self.event_source_mapping, minimum_pollers, maximum_pollers)
        permissions.wait(self.event_source_mapping, holder)
        alarms_here = Alarms(
            self,
            alarm_topic,
            # cdk-nag asks each mapping for a destination.
            findings={
                "Serverless-LambdaEventSourceMappingDestination": "An SQS mapping has no on-failure destination: the "
                "queue's redrive policy keeps failed messages."
            },
        )
        self.alarm_topic = alarms_here.topic
        self.dead_letter_alarm = alarms_here.add(
            "DeadLetterAlarm",
            None
            if self.dead_letter_queue is None
            or (queue is not None and location.is_of_another_account(self, self.dead_letter_queue))
            else alarms.dead_letters(self.dead_letter_queue),
        )
        self.oldest_message_alarm = alarms_here.add(
            "OldestMessageAlarm",
            None
            if queue is not None and location.is_of_another_account(self, queue)
            else alarms.oldest_message(self.queue, seconds=oldest),
        )
        self.errors_alarm = alarms_here.add(
            "ErrorsAlarm", alarms.function_errors(function, timeout=invoked.watched_seconds)
        )
        self.throttles_alarm = alarms_here.add("ThrottlesAlarm", alarms.function_throttles(function))

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The function's role, so that `table.grant_write_data(consumer)` works."""
        return self.function.grant_principal

    def grant_send_messages(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a producer send to the queue, and use its key where it has one.

        Args:
            grantee: A role, function, user or anything else with a principal.

        Returns:
            The grant.
        """
        grant = self.queue.grant(grantee, "sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes")
        key = self.queue.encryption_master_key
        if key is None:
            return grant
        # CDK's own grant adds every kms:ReEncrypt* and kms:GenerateDataKey*; a producer needs these two.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        return grant.combine(key.grant(grantee, "kms:GenerateDataKey", "kms:Decrypt"))

    def _warn(self, settings: "_Settings", recommended: float | None) -> None:
        """Warn of settings that AWS accepts and does not recommend."""
        if settings.visibility is not None and recommended is not None and settings.visibility < recommended:
            Annotations.of(self).add_warning_v2(
                "constructs-lib:short-visibility-timeout",
                f"{settings.name('visibility_timeout')} is {settings.visibility:,.0f} seconds, and AWS recommends "
                f"at least {recommended:,.0f}: 6 times the function's timeout, plus the batching window. With less, a "
                "message that waits while the function is throttled can be received twice. "
                f"See {_defaults.SQS_CONFIGURE}",
            )
        if settings.receives is not None and settings.receives < _defaults.MAX_RECEIVE_COUNT_RECOMMENDED:
            Annotations.of(self).add_warning_v2(
                "constructs-lib:few-receives",
                f"{settings.name('max_receive_count')} is {settings.receives:g}, and AWS recommends at least "
                f"{_defaults.MAX_RECEIVE_COUNT_RECOMMENDED}: with fewer, throttling alone sends good messages to the "
                f"dead-letter queue. See {_defaults.SQS_RETRIES}",
            )

    def _make_queues(
        self,
        *,
        visibility: Duration,
        retention: Duration,
        dead_retention: Duration,
        max_receive_count: float,
        fifo: bool,
        content_based_deduplication: bool,
        encryption_key: kms.IKey | None,
        removal_policy: RemovalPolicy,
    ) -> tuple[sqs.Queue, sqs.Queue]:
        encryption = sqs.QueueEncryption.KMS if encryption_key else sqs.QueueEncryption.SQS_MANAGED
        dead_letter_queue = sqs.Queue(
            self,
            "DeadLetterQueue",
            enforce_ssl=True,
            encryption=encryption,
            encryption_master_key=encryption_key,
            retention_period=dead_retention,
            fifo=fifo or None,
            removal_policy=removal_policy,
        )
        queue = sqs.Queue(
            self,
            "Queue",
            enforce_ssl=True,
            encryption=encryption,
            encryption_master_key=encryption_key,
            visibility_timeout=visibility,
            retention_period=retention,
            fifo=fifo or None,
            content_based_deduplication=content_based_deduplication or None,
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=dead_letter_queue, max_receive_count=max_receive_count
            ),
            removal_policy=removal_policy,
        )
        location.note(self, queue, dead_letter_queue)
        return queue, dead_letter_queue


# --- arguments -----------------------------------------------------------------------------------------


def _check_batch_size(batch_size: float, *, fifo: bool) -> None:
    limit = _defaults.BATCH_SIZE_FIFO_MAX if fifo else _defaults.BATCH_SIZE_MAX
    name = "batch_size of a FIFO queue" if fifo else "batch_size"
    _validation.check_range(name, batch_size, 1, limit, whole=True, source=_defaults.SQS_PARAMETERS)


def _batching_window_seconds(
    max_batching_window: Duration | None, batch_size: float, *, fifo: bool
) -> float | None:
    """Read and check the batching window; 0 without one, and None if it is known only at deployment."""
    seconds = _validation.read_seconds(
        "max_batching_window",
        max_batching_window,
        0,
        high=_defaults.BATCHING_WINDOW_SECONDS_MAX,
        whole="seconds",
        source=_defaults.SQS_PARAMETERS,
    )
    if fifo and max_batching_window is not None:
        raise InvalidPropsError(
            f"max_batching_window cannot be combined with a FIFO queue, got {max_batching_window.to_string()}. "
            f"Leave it out. See {_defaults.SQS_PARAMETERS}"
        )
    if seconds is not None and seconds < 1 and batch_size > _defaults.BATCH_SIZE_WITHOUT_WINDOW_MAX:
        raise InvalidPropsError(
            f"max_batching_window must be at least 1 second for a batch_size above "
            f"{_defaults.BATCH_SIZE_WITHOUT_WINDOW_MAX}, got {seconds:g} with a batch_size of {batch_size}. "
            f"See {_defaults.SQS_PARAMETERS}"
        )
    return seconds


def _check_pollers(
    max_concurrency: float | None, minimum_pollers: float | None, maximum_pollers: float | None
) -> None:
    for pollers in ({"minimum_pollers": minimum_pollers}, {"maximum_pollers": maximum_pollers}):
        _validation.check_at_most_one(
            "each event poller has up to 10 concurrent invocations, so maximum_pollers limits the concurrency. "
            "Leave one out.",
            max_concurrency=max_concurrency,
            **pollers,
        )
    for name, value, low, high, source in (
        ("max_concurrency", max_concurrency, _defaults.MAX_CONCURRENCY_MIN, _defaults.MAX_CONCURRENCY_MAX,
         _defaults.SQS_SCALING),
        ("minimum_pollers", minimum_pollers, _defaults.MINIMUM_POLLERS_MIN, _defaults.MINIMUM_POLLERS_MAX,
         _defaults.SQS_PARAMETERS),
        ("maximum_pollers", maximum_pollers, _defaults.MAXIMUM_POLLERS_MIN, _defaults.QUEUE_POLLERS_MAX,
         _defaults.PROVISIONED_POLLERS),
    ):  # fmt: skip
        _validation.check_range(name, value, low, high, whole=True, source=source)
    if minimum_pollers is not None and maximum_pollers is not None:
        known = not (_validation.is_unresolved(minimum_pollers) or _validation.is_unresolved(maximum_pollers))
        if known and minimum_pollers > maximum_pollers:
            raise InvalidPropsError(
                f"minimum_pollers must not be above maximum_pollers, got {minimum_pollers} > {maximum_pollers}."
            )


def _set_pollers(
    mapping: lambda_.EventSourceMapping, minimum_pollers: float | None, maximum_pollers: float
) -> None:
    """Set more event pollers than CDK accepts, and Lambda does for a queue."""
    resource = resource_of(mapping, lambda_.CfnEventSourceMapping)
    resource.provisioned_poller_config = lambda_.CfnEventSourceMapping.ProvisionedPollerConfigProperty(
        minimum_pollers=minimum_pollers, maximum_pollers=maximum_pollers
    )


@dataclass(frozen=True)
class _Settings:
    """The settings of a queue that are checked; None where one is unknown."""

    receives: float | None
    """How many times a message is received before it is moved to the dead-letter queue."""
    visibility: float | None
    """The visibility timeout, in seconds."""
    retention: float | None
    """The retention period, in seconds."""
    of: str = ""
    """The path of an existing queue; empty for a new one."""

    def name(self, argument: str) -> str:
        return f"{argument} of queue {self.of}" if self.of else argument


def _settings_of_a_new_queue(
    invoked: Invoked,
    window: float,
    max_receive_count: float | None,
    visibility_timeout: Duration | None,
    retention_period: Duration | None,
) -> _Settings:
    visibility = _recommended_visibility(invoked, window)
    if visibility_timeout is not None:
        visibility = _validation.read_seconds("visibility_timeout", visibility_timeout)
    elif visibility is None:
        raise InvalidPropsError(
            "visibility_timeout is required when the function's timeout is unknown (imported, or a token): at least 6 "
            f"times that timeout, plus the batching window. See {_defaults.SQS_CONFIGURE}"
        )
    return _Settings(
        receives=_known(_defaults.MAX_RECEIVE_COUNT if max_receive_count is None else max_receive_count),
        visibility=visibility,
        retention=_validation.read_seconds("retention_period", retention_period, _defaults.RETENTION_SECONDS),
    )


def _settings_of(queue: sqs.IQueue) -> _Settings:
    """Read the settings of an existing queue; all are None for an imported one."""
    if not isinstance(queue, sqs.Queue):
        return _Settings(None, None, None)
    redrive, resource = queue.dead_letter_queue, resource_of(queue, sqs.CfnQueue)
    visibility = resource.visibility_timeout
    if visibility is None:
        visibility = _defaults.VISIBILITY_TIMEOUT_SECONDS_WHEN_UNSET
    return _Settings(
        receives=None if redrive is None else _known(redrive.max_receive_count),
        visibility=_known(visibility),
        retention=_known(resource.message_retention_period or _defaults.RETENTION_SECONDS),
        of=queue.node.path,
    )


def _known(number: float) -> float | None:
    return None if isinstance(number, int | float) and _validation.is_unresolved(number) else number


def _check_settings(settings: _Settings, invoked: Invoked) -> None:
    """Refuse what SQS or Lambda refuses, and what loses messages."""
    _validation.check_range(
        settings.name("max_receive_count"),
        settings.receives,
        _defaults.MAX_RECEIVE_COUNT_MIN,
        _defaults.MAX_RECEIVE_COUNT_MAX,
        whole=True,
        source=_defaults.SQS_RETRIES,
    )
    _validation.check_seconds(
        settings.name("retention_period"),
        settings.retention,
        _defaults.RETENTION_SECONDS_MIN,
        _defaults.RETENTION_SECONDS_MAX,
        source=_defaults.SQS_QUOTAS,
    )
    visibility, timeout = settings.visibility, invoked.timeout_seconds
    _validation.check_seconds(
        settings.name("visibility_timeout"),
        visibility,
        0,
        _defaults.VISIBILITY_TIMEOUT_SECONDS_MAX,
        source=_defaults.SQS_QUOTAS,
    )
    if visibility is None:
        return
    if timeout is not None and visibility < timeout:
        raise InvalidPropsError(
            f"{settings.name('visibility_timeout')} must be at least the function's timeout of {timeout:g} seconds, "
            f"got {visibility:,.0f}: Lambda refuses the mapping. AWS recommends 6 times the timeout, plus the batching "
            f"window. See {_defaults.SQS_CONFIGURE}"
        )
    if settings.receives is None or settings.retention is None:
        return
    tried = settings.receives * visibility
    if settings.retention <= tried:
        raise InvalidPropsError(
            f"{settings.name('retention_period')} must be longer than max_receive_count x visibility_timeout, which is "
            f"{tried:,.0f} seconds, got {settings.retention:,.0f}: a message that always fails would expire before it "
            f"becomes a dead letter, and be lost. See {_defaults.SQS_DEAD_LETTER_RETENTION}"
        )


def _recommended_visibility(invoked: Invoked, window: float) -> float | None:
    """The visibility timeout that AWS recommends; None where the function's timeout is unknown."""
    timeout = invoked.timeout_seconds
    return None if timeout is None else _defaults.VISIBILITY_TIMEOUT_FACTOR * timeout + window


def _check_dead_letter_retention(
    name: str, dead_retention: float | None, source_name: str, retention: float | None, *, fifo: bool
) -> None:
    _validation.check_seconds(
        name,
        dead_retention,
        _defaults.RETENTION_SECONDS_MIN,
        _defaults.RETENTION_SECONDS_MAX,
        source=_defaults.SQS_QUOTAS,
    )
    if fifo or dead_retention is None or retention is None:
        return  # a FIFO queue counts anew from the moment that a message becomes a dead letter
    if dead_retention <= retention:
        raise InvalidPropsError(
            f"{name} must be longer than {source_name}, which is {_validation.in_words(retention)}, got "
            f"{_validation.in_words(dead_retention)}: the age of a dead letter counts from when it was first sent, so "
            f"it can expire soon after it reaches the dead-letter queue. Shorten {source_name}, or lengthen {name}, "
            f"at most to 14 days. See {_defaults.SQS_DEAD_LETTER_RETENTION}"
        )


def _oldest_message_seconds(oldest_message_age: Duration | None, retention: float | None) -> float:
    """Read the age that the alarm is for; a token stays one."""
    default: float = _defaults.OLDEST_MESSAGE_ALARM_SECONDS
    if retention is not None:
        default = min(default, retention / 2)
    if oldest_message_age is None:
        return default
    seconds = _validation.read_seconds("oldest_message_age", oldest_message_age, low=1)
    if seconds is None:
        return _validation.read_token("oldest_message_age", oldest_message_age, "seconds")
    if retention is not None and seconds >= retention:
        raise InvalidPropsError(
            f"oldest_message_age must be below the queue's retention period of {retention:,.0f} seconds, got "
            f"{seconds:,.0f}: SQS deletes older messages, so the alarm would never go off."
        )
    return seconds


# --- the function --------------------------------------------------------------------------------------


def _check_reserved(invoked: Invoked, max_concurrency: float | None) -> None:
    function, reserved = invoked.function, invoked.reserved_concurrency
    if function is None or not reserved:  # 0: disabled on purpose, however many the mapping may send
        return
    if max_concurrency is None or _validation.is_unresolved(max_concurrency):
        return
    others = _total_max_concurrency.get(function, 0)
    if reserved < others + max_concurrency:
        also = f", together with {others} of other consumers of this function" if others else ""
        raise InvalidPropsError(
            f"max_concurrency must be at most the function's reserved_concurrent_executions of {reserved:g}, got "
            f"{max_concurrency}{also}: further invocations would be throttled, and throttled messages can become "
            "dead letters. Lower max_concurrency, or raise reserved_concurrent_executions of the function. "
            f"See {_defaults.SQS_SCALING}"
        )


# --- an existing queue ---------------------------------------------------------------------------------


def _check_places(
    scope: Construct,
    queue: sqs.IQueue | None,
    dead_letter_queue: sqs.IQueue | None,
    encryption_key: kms.IKey | None,
) -> None:
    """Refuse a queue or a key of an account or a Region where it does not work."""
    _validation.check_part("queue", queue, "queue_arn", "a queue")
    _validation.check_part("dead_letter_queue", dead_letter_queue, "queue_arn", "a queue")
    location.check(
        scope,
        "queue",
        queue,
        same_account=False,
        way_out="Lambda reads queues of its own Region only: create this QueueConsumer, and the function, there.",
        source=_defaults.SQS_CONFIGURE,
    )
    location.check(
        scope if queue is None else queue,
        "dead_letter_queue",
        dead_letter_queue,
        way_out="Pass the dead-letter queue that the queue's redrive policy names.",
        source=_defaults.SQS_DEAD_LETTER,
    )
    encryption.check_key(scope, encryption_key, of="SQS", source=_defaults.SQS_KEYS, words="a key")


def _check_existing(
    queue: sqs.IQueue, dead_letter_queue: sqs.IQueue | None, **of_a_new_queue: object
) -> None:
    """Refuse arguments that only a new queue can take, and known settings that lose messages."""
    _validation.check_not_with("queue", "it already exists. Set this where it is created.", **of_a_new_queue)
    if not isinstance(queue, sqs.Queue):
        if dead_letter_queue is not None and dead_letter_queue.fifo != queue.fifo:
            raise _different_types(queue)
        return
    path = queue.node.path
    redrive = queue.dead_letter_queue
    if redrive is None:
        raise InvalidPropsError(
            f"queue {path} has no dead-letter queue: a message that always fails would be retried until it "
            "expires. Set dead_letter_queue=sqs.DeadLetterQueue(...) where the queue is created. "
            f"See {_defaults.SQS_DEAD_LETTER}"
        )
    if dead_letter_queue is not None:
        raise InvalidPropsError(
            f"dead_letter_queue cannot be combined with queue {path}, which is created in this app: its own "
            f"dead-letter queue {redrive.queue.node.path} is used. Leave dead_letter_queue out."
        )
    if redrive.queue.fifo != queue.fifo:
        raise _different_types(queue)
    if isinstance(redrive.queue, sqs.Queue):
        dead = _known(
            resource_of(redrive.queue, sqs.CfnQueue).message_retention_period or _defaults.RETENTION_SECONDS
        )
        settings = _settings_of(queue)
        _check_dead_letter_retention(
            f"retention_period of queue {redrive.queue.node.path}",
            dead,
            settings.name("retention_period"),
            settings.retention,
            fifo=queue.fifo,
        )


def _different_types(queue: sqs.IQueue) -> InvalidPropsError:
    return InvalidPropsError(
        f"queue {queue.node.path} and its dead-letter queue must both be FIFO or both be standard. "
        f"See {_defaults.SQS_DEAD_LETTER}"
    )


def _dead_letter_queue_of(queue: sqs.IQueue) -> sqs.IQueue | None:
    redrive = queue.dead_letter_queue if isinstance(queue, sqs.Queue) else None
    return redrive.queue if redrive else None
