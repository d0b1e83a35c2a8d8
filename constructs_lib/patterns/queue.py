"""Drain an SQS queue with a Lambda function: what fails is retried, then kept."""

import json
from collections.abc import Mapping, Sequence
from typing import Final
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Acknowledgment, Annotations, Duration, RemovalPolicy, Stack, Token, Validations
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
from constructs_lib.foundation import alarms
from constructs_lib.practice.plugin import check_app_of

_concurrency_in_use: WeakKeyDictionary[lambda_.Function, int] = WeakKeyDictionary()
"""Sum of `max_concurrency` over the consumers of each function: its reserved concurrency has to serve all."""


@jsii.implements(iam.IGrantable)
class QueueConsumer(Construct):
    """A queue drained by your function, with a dead-letter queue behind it and alarms on both.

    What is deployed: the queue and its dead-letter queue, encrypted and reachable over TLS only; the event
    source mapping, which retries a failed message alone and not the batch around it; four alarms (dead
    letters, age of the oldest message, errors, throttles) and the topic that they go to. The function may
    receive from the queue, and use its key.

    The handler must return `{"batchItemFailures": [{"itemIdentifier": message id}, ...]}`, as Powertools'
    `BatchProcessor` does; an empty list says that all went well.

    Args:
        scope: The construct to put it in.
        construct_id: Its name there.
        function: Handles the batches: a function, or the alias or version that is to be called. A function that
            may send to this queue, by the policies of its role, fails synth, unless its `recursive_loop` is ALLOW.
        queue: Drain this existing queue instead of making one. What is known of its settings is checked. The
            queue of another account must let the function's role receive, in its own policy.
        dead_letter_queue: Of an imported `queue`, where the app cannot know it: only its alarm is made.
        batch_size: Most messages in an invocation: 1 to 10,000, FIFO 1 to 10. Above 10 needs a window.
        max_batching_window: How long to wait for a full batch, 0 to 300 seconds; not for FIFO.
        max_concurrency: Most invocations at a time, 2 to 1,000; not above the reserved concurrency, where
            other consumers of the function count too. None: up to the function's own concurrency.
        minimum_pollers: Provisioned mode instead of `max_concurrency`: event pollers that are always there,
            2 to 200; paid for by the hour.
        maximum_pollers: Provisioned mode: most event pollers, 2 to 2,000, each up to 10 invocations at a time.
        max_receive_count: Tries before a message is a dead letter, 5 to 1,000: fewer, and throttling alone
            makes dead letters.
        visibility_timeout: How long a message in work is hidden. At least six times the function's timeout
            plus the window, which is the default; must be said for a function whose timeout is not known.
        retention_period: How long a message waits to be taken, 60 seconds to 14 days; default 4 days.
        dead_letter_retention_period: The same for dead letters; longer than `retention_period`, since their
            age counts from the first sending; default 14 days.
        fifo: A FIFO queue, and a FIFO dead-letter queue: in order within a message group.
        content_based_deduplication: FIFO: the body's hash is the deduplication id.
        encryption_key: A KMS key of yours; default is a key that SQS manages, without cost.
        filters: Event patterns, at most 5, such as `{"body": {"type": ["trip.completed"]}}`. Messages that
            match none are deleted by Lambda, not kept.
        alarm_topic: Where the alarms go. None: a topic is made, for you to subscribe to.
        oldest_message_age: Alarm when the oldest message is older; default 15 minutes.
        removal_policy: What becomes of both queues, and the messages in them, with the stack; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """

    queue: Final[sqs.IQueue]
    """The queue that is drained: an `sqs.Queue` unless you gave an imported one."""
    dead_letter_queue: Final[sqs.IQueue | None]
    """Where messages go that failed for good; None only for an imported queue whose own is not known."""
    event_source_mapping: Final[lambda_.EventSourceMapping]
    function: Final[FunctionLike]
    alarm_topic: Final[sns.ITopic]
    dead_letter_alarm: Final[cloudwatch.Alarm | None]
    """None only where the dead-letter queue is not known, or of another account."""
    oldest_message_alarm: Final[cloudwatch.Alarm | None]
    """None only for a queue of another account: its metrics are there."""
    errors_alarm: Final[cloudwatch.Alarm]
    throttles_alarm: Final[cloudwatch.Alarm]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        queue: sqs.IQueue | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
        batch_size: int = _defaults.BATCH_SIZE,
        max_batching_window: Duration | None = None,
        max_concurrency: int | None = None,
        minimum_pollers: int | None = None,
        maximum_pollers: int | None = None,
        max_receive_count: int | None = None,
        visibility_timeout: Duration | None = None,
        retention_period: Duration | None = None,
        dead_letter_retention_period: Duration | None = None,
        fifo: bool = False,
        content_based_deduplication: bool = False,
        encryption_key: kms.IKey | None = None,
        filters: Sequence[Mapping[str, object]] = (),
        alarm_topic: sns.ITopic | None = None,
        oldest_message_age: Duration | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        if queue is not None:
            _check_existing(
                queue,
                dead_letter_queue,
                max_receive_count=max_receive_count,
                visibility_timeout=visibility_timeout,
                retention_period=retention_period,
                dead_letter_retention_period=dead_letter_retention_period,
                fifo=fifo,
                content_based_deduplication=content_based_deduplication,
                encryption_key=encryption_key,
                removal_policy=removal_policy,
            )
            fifo = queue.fifo
        elif dead_letter_queue is not None:
            raise InvalidPropsError(
                "dead_letter_queue goes with an imported queue=: QueueConsumer makes the dead-letter queue of "
                "the queue that it makes. Leave it out."
            )
        window = _validation.seconds("max_batching_window", max_batching_window) or 0
        receives = _defaults.MAX_RECEIVE_COUNT if max_receive_count is None else max_receive_count
        retention = _validation.seconds("retention_period", retention_period, _defaults.RETENTION_SECONDS)
        dead_retention = _validation.seconds(
            "dead_letter_retention_period",
            dead_letter_retention_period,
            _defaults.DEAD_LETTER_RETENTION_SECONDS,
        )
        alarms.check_topic(alarm_topic)
        _check_batches(batch_size, max_batching_window, fifo=fifo)
        _check_pollers(max_concurrency, minimum_pollers, maximum_pollers)
        _check_queue_numbers(receives, retention, dead_retention)
        if content_based_deduplication and not fifo:
            raise InvalidPropsError("content_based_deduplication needs fifo=True; a standard queue has none.")
        patterns = _patterns(filters)
        if (
            oldest_message_age is not None
            and _validation.seconds("oldest_message_age", oldest_message_age) == 0
        ):
            raise InvalidPropsError("oldest_message_age must be at least 1 second, got 0.")
        underlying = _underlying(function)
        visibility = _visibility_seconds(underlying, window, visibility_timeout, queue)
        _check_reserved(underlying, max_concurrency)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        if underlying is not None and max_concurrency is not None:
            _concurrency_in_use[underlying] = _concurrency_in_use.get(underlying, 0) + max_concurrency

        self.function = function
        source: sqs.IQueue
        dead_letters: sqs.IQueue | None
        if queue is None:
            source, dead_letters = self._make_queues(
                visibility=visibility_timeout or Duration.seconds(visibility or 0),
                retention=retention_period or Duration.seconds(retention or 0),
                dead_retention=dead_letter_retention_period or Duration.seconds(dead_retention or 0),
                max_receive_count=receives,
                fifo=fifo,
                content_based_deduplication=content_based_deduplication,
                encryption_key=encryption_key,
                removal_policy=removal_policy or RemovalPolicy.RETAIN,
            )
        else:
            source, dead_letters = queue, dead_letter_queue or _dead_letter_queue_of(queue)
            if not isinstance(queue, sqs.Queue):
                least = "6 times the function's timeout" if visibility is None else f"{visibility:g} seconds"
                Annotations.of(self).add_info_v2(
                    "constructs-lib:imported-queue",
                    f"The settings of an imported queue are not known here. Its visibility timeout should be "
                    f"at least {least}, and it needs a redrive policy with maxReceiveCount >= "
                    f"{_defaults.MAX_RECEIVE_COUNT_MIN}.",
                )
        self.queue = source
        self.dead_letter_queue = dead_letters
        if isinstance(dead_letters, sqs.Queue):
            # A redrive policy of its own would send dead letters on, and away from the alarm.
            Validations.of(dead_letters).acknowledge(
                Acknowledgment(
                    id="Serverless-SQSRedrivePolicy",
                    reason="This is the dead-letter queue: messages end here until somebody redrives them.",
                )
            )
        source.grant_consume_messages(function)
        self.event_source_mapping = lambda_.EventSourceMapping(
            self,
            "EventSourceMapping",
            target=function,
            event_source_arn=self.queue.queue_arn,
            batch_size=batch_size,
            max_batching_window=max_batching_window,
            max_concurrency=max_concurrency,
            provisioned_poller_config=None
            if minimum_pollers is None and maximum_pollers is None
            else lambda_.ProvisionedPollerConfig(
                minimum_pollers=minimum_pollers, maximum_pollers=maximum_pollers
            ),
            report_batch_item_failures=True,
            filters=patterns or None,
        )
        Validations.of(self.event_source_mapping).acknowledge(
            Acknowledgment(
                id="Serverless-LambdaEventSourceMappingDestination",
                reason="An SQS mapping has no failure destination: the queue's redrive policy is what keeps "
                "failed messages.",
            )
        )
        self.alarm_topic = alarms.topic_or_own(self, alarm_topic)
        self.dead_letter_alarm = (
            None
            if self.dead_letter_queue is None or _is_of_another_account(self, self.dead_letter_queue)
            else alarms.dead_letters(
                self, "DeadLetterAlarm", queue=self.dead_letter_queue, send_to=self.alarm_topic
            )
        )
        self.oldest_message_alarm = (
            None
            if _is_of_another_account(self, self.queue)
            else alarms.oldest_message(
                self,
                "OldestMessageAlarm",
                queue=self.queue,
                seconds=_validation.seconds(
                    "oldest_message_age", oldest_message_age, _defaults.OLDEST_MESSAGE_ALARM_SECONDS
                )
                or 0,
                send_to=self.alarm_topic,
            )
        )
        self.errors_alarm = alarms.function_errors(
            self, "ErrorsAlarm", function=function, send_to=self.alarm_topic
        )
        self.throttles_alarm = alarms.function_throttles(
            self, "ThrottlesAlarm", function=function, send_to=self.alarm_topic
        )

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The function's role, so that `table.grant_write_data(consumer)` does what it says."""
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

    def _make_queues(
        self,
        *,
        visibility: Duration,
        retention: Duration,
        dead_retention: Duration,
        max_receive_count: int,
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
        return queue, dead_letter_queue


# --- arguments -----------------------------------------------------------------------------------------


def _check_batches(batch_size: int, max_batching_window: Duration | None, *, fifo: bool) -> None:
    most = _defaults.BATCH_SIZE_FIFO_MAX if fifo else _defaults.BATCH_SIZE_MAX
    name = "batch_size of a FIFO queue" if fifo else "batch_size"
    _validation.in_range(name, batch_size, 1, most, source=_defaults.SQS_PARAMETERS)
    _validation.whole("batch_size", batch_size)
    window = _validation.seconds("max_batching_window", max_batching_window)
    if fifo and max_batching_window is not None:
        raise InvalidPropsError(
            f"max_batching_window is not for a FIFO queue, got {max_batching_window.to_string()}: "
            f"leave it out. See {_defaults.SQS_PARAMETERS}"
        )
    _validation.in_range(
        "max_batching_window",
        window,
        0,
        _defaults.BATCHING_WINDOW_SECONDS_MAX,
        unit="seconds",
        source=_defaults.SQS_PARAMETERS,
    )
    _validation.whole("max_batching_window in seconds", window)
    unknown_window = max_batching_window is not None and window is None
    if batch_size > _defaults.BATCH_SIZE_WITHOUT_WINDOW_MAX and not unknown_window and (window or 0) < 1:
        raise InvalidPropsError(
            f"max_batching_window must be at least 1 second for a batch_size above "
            f"{_defaults.BATCH_SIZE_WITHOUT_WINDOW_MAX}, got {window or 0:g} with a batch_size of {batch_size}. "
            f"See {_defaults.SQS_PARAMETERS}"
        )


def _patterns(filters: Sequence[Mapping[str, object]]) -> list[dict[str, str]]:
    if len(filters) > _defaults.FILTERS_MAX:
        raise InvalidPropsError(
            f"filters must be at most {_defaults.FILTERS_MAX}, got {len(filters)}: merge some into one "
            f"pattern. See {_defaults.SQS_FILTERING}"
        )
    try:
        return [{"pattern": json.dumps(pattern)} for pattern in filters]
    except TypeError as error:
        raise InvalidPropsError(f"filters must be JSON: {error}. See {_defaults.SQS_FILTERING}") from None


def _check_pollers(
    max_concurrency: int | None, minimum_pollers: int | None, maximum_pollers: int | None
) -> None:
    for pollers in ({"minimum_pollers": minimum_pollers}, {"maximum_pollers": maximum_pollers}):
        _validation.not_together(
            "provisioned pollers bound the concurrency themselves, by 10 invocations each.",
            max_concurrency=max_concurrency,
            **pollers,
        )
    for name, value, low, high, source in (
        ("max_concurrency", max_concurrency, _defaults.MAX_CONCURRENCY_MIN, _defaults.MAX_CONCURRENCY_MAX,
         _defaults.SQS_SCALING),
        ("minimum_pollers", minimum_pollers, _defaults.MINIMUM_POLLERS_MIN, _defaults.MINIMUM_POLLERS_MAX,
         _defaults.SQS_PARAMETERS),
        ("maximum_pollers", maximum_pollers, _defaults.MAXIMUM_POLLERS_MIN, _defaults.MAXIMUM_POLLERS_MAX,
         _defaults.SQS_PARAMETERS),
    ):  # fmt: skip
        _validation.in_range(name, value, low, high, source=source)
        _validation.whole(name, value)
    if minimum_pollers is not None and maximum_pollers is not None:
        known = not (_validation.is_unresolved(minimum_pollers) or _validation.is_unresolved(maximum_pollers))
        if known and minimum_pollers > maximum_pollers:
            raise InvalidPropsError(
                f"minimum_pollers must not be above maximum_pollers, got {minimum_pollers} > {maximum_pollers}."
            )


def _check_queue_numbers(receives: int, retention: float | None, dead_retention: float | None) -> None:
    _validation.in_range(
        "max_receive_count",
        receives,
        _defaults.MAX_RECEIVE_COUNT_MIN,
        _defaults.MAX_RECEIVE_COUNT_MAX,
        source=_defaults.SQS_RETRIES,
    )
    _validation.whole("max_receive_count", receives)
    for name, value in (("retention_period", retention), ("dead_letter_retention_period", dead_retention)):
        _validation.in_range(
            name,
            value,
            _defaults.RETENTION_SECONDS_MIN,
            _defaults.RETENTION_SECONDS_MAX,
            unit="seconds",
            source=_defaults.SQS_QUOTAS,
        )
    _check_retention_order("dead_letter_retention_period", dead_retention, retention)


def _check_retention_order(name: str, dead_retention: float | None, retention: float | None) -> None:
    if dead_retention is not None and retention is not None and dead_retention <= retention:
        raise InvalidPropsError(
            f"{name} must be longer than the source's retention period of {retention:,.0f} seconds, got "
            f"{dead_retention:,.0f}: a dead letter's age counts from its first sending, so it would be "
            f"deleted on arrival. See {_defaults.SQS_DEAD_LETTER_RETENTION}"
        )


# --- the function --------------------------------------------------------------------------------------


def _underlying(function: FunctionLike) -> lambda_.Function | None:
    """The function behind an alias or version, where it belongs to this app."""
    behind = (
        function.version.lambda_
        if isinstance(function, lambda_.Alias)
        else function.lambda_
        if isinstance(function, lambda_.Version)
        else function
    )
    return behind if isinstance(behind, lambda_.Function) else None


def _timeout_seconds(function: lambda_.Function | None) -> float | None:
    if function is None:
        return None
    return _validation.seconds("timeout", function.timeout, _defaults.FUNCTION_TIMEOUT_SECONDS_WHEN_UNSET)


def _visibility_seconds(
    function: lambda_.Function | None, window: float, given: Duration | None, queue: sqs.IQueue | None
) -> float | None:
    """The visibility timeout to set, or that the existing queue has, checked against the function's."""
    timeout = _timeout_seconds(function)
    needed = None if timeout is None else _defaults.VISIBILITY_TIMEOUT_FACTOR * timeout + window
    name = "visibility_timeout"
    if queue is not None:
        if not isinstance(queue, sqs.Queue):
            return needed
        name = f"visibility_timeout of queue {queue.node.path}"
        value = _cfn_queue(queue).visibility_timeout
        if value is None:
            value = _defaults.VISIBILITY_TIMEOUT_SECONDS_WHEN_UNSET
        seconds = None if _validation.is_unresolved(value) else float(value)
    elif given is not None:
        seconds = _validation.seconds("visibility_timeout", given)
    elif needed is None:
        raise InvalidPropsError(
            "visibility_timeout must be said for a function whose timeout is not known here (imported, or a "
            "token): at least 6 times that timeout, plus the batching window. "
            f"See {_defaults.SQS_CONFIGURE}"
        )
    else:
        return needed
    _validation.in_range(
        name,
        seconds,
        0,
        _defaults.VISIBILITY_TIMEOUT_SECONDS_MAX,
        unit="seconds",
        source=_defaults.SQS_QUOTAS,
    )
    if seconds is not None and needed is not None and seconds < needed:
        raise InvalidPropsError(
            f"{name} must be at least {needed:,.0f} seconds ({_defaults.VISIBILITY_TIMEOUT_FACTOR} x the "
            f"function's timeout of {timeout:g} + a batching window of {window:g}), got {seconds:,.0f}: a "
            f"message would show up again while it is still in work. See {_defaults.SQS_CONFIGURE}"
        )
    return seconds


def _check_reserved(function: lambda_.Function | None, max_concurrency: int | None) -> None:
    if function is None or max_concurrency is None or _validation.is_unresolved(max_concurrency):
        return
    resource = function.node.default_child
    if not isinstance(resource, lambda_.CfnFunction):
        return
    reserved = resource.reserved_concurrent_executions
    if reserved is None or _validation.is_unresolved(reserved):
        return
    others = _concurrency_in_use.get(function, 0)
    if reserved < others + max_concurrency:
        also = f" with {others} of other consumers of this function" if others else ""
        raise InvalidPropsError(
            f"max_concurrency must fit into the function's reserved concurrency of {reserved:g}, got "
            f"{max_concurrency}{also}: the rest would be throttled, and throttled messages become dead "
            f"letters. Raise reserved_concurrent_executions. See {_defaults.SQS_SCALING}"
        )


# --- an existing queue ---------------------------------------------------------------------------------


def _check_existing(
    queue: sqs.IQueue, dead_letter_queue: sqs.IQueue | None, **of_a_new_queue: object
) -> None:
    """Refuse arguments that only a new queue can take, and known settings that lose messages."""
    given = [name for name, value in of_a_new_queue.items() if value is not None and value is not False]
    if given:
        raise InvalidPropsError(
            f"{' and '.join(given)} cannot be given together with queue: it is made already. Set it there."
        )
    if not isinstance(queue, sqs.Queue):
        return
    path = queue.node.path
    redrive = queue.dead_letter_queue
    if dead_letter_queue is not None:
        raise InvalidPropsError(f"dead_letter_queue cannot be given together with queue {path}: it has one.")
    if redrive is None:
        raise InvalidPropsError(
            f"queue {path} has no dead-letter queue: a message that always fails would be retried until it "
            f"expires. Give it a dead_letter_queue. See {_defaults.SQS_DEAD_LETTER}"
        )
    _validation.in_range(
        f"max_receive_count of queue {path}",
        redrive.max_receive_count,
        _defaults.MAX_RECEIVE_COUNT_MIN,
        _defaults.MAX_RECEIVE_COUNT_MAX,
        source=_defaults.SQS_RETRIES,
    )
    if redrive.queue.fifo != queue.fifo:
        raise InvalidPropsError(
            f"queue {path} and its dead-letter queue must both be FIFO or both be standard. "
            f"See {_defaults.SQS_DEAD_LETTER}"
        )
    if isinstance(redrive.queue, sqs.Queue):
        source, dead = (
            _cfn_queue(part).message_retention_period or _defaults.RETENTION_SECONDS
            for part in (queue, redrive.queue)
        )
        if not (_validation.is_unresolved(source) or _validation.is_unresolved(dead)):
            _check_retention_order(f"retention_period of {redrive.queue.node.path}", dead, source)


def _cfn_queue(queue: sqs.Queue) -> sqs.CfnQueue:
    resource = queue.node.default_child
    assert isinstance(resource, sqs.CfnQueue)  # noqa: S101 - what a Queue is made of
    return resource


def _dead_letter_queue_of(queue: sqs.IQueue) -> sqs.IQueue | None:
    redrive = queue.dead_letter_queue if isinstance(queue, sqs.Queue) else None
    return redrive.queue if redrive else None


def _is_of_another_account(scope: Construct, queue: sqs.IQueue) -> bool:
    """Whether the queue is known to be in another account than the construct."""
    theirs, ours = queue.env.account, Stack.of(scope).account
    return not Token.is_unresolved(theirs) and not Token.is_unresolved(ours) and theirs != ours
