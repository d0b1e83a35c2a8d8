"""Retries and destinations of asynchronous invocations: nothing is dropped in silence."""

from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, dead_letters, location, permissions
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.destination import (
    Destination,
    allowing,
    bucket_destination,
    check_not_fifo,
    queue_destination,
    topic_destination,
)
from constructs_lib.foundation.function.python_function import PythonFunction
from constructs_lib.foundation.invoked import (
    LATEST,
    Invoked,
    check_destinations,
    check_event_source,
    check_place,
    dimensions_of,
)
from constructs_lib.foundation.resource import node_of
from constructs_lib.practice.plugin import app_of, check_app_of

SuccessTarget = (
    sqs.IQueue | sqs.Queue | sns.ITopic | sns.Topic | events.IEventBus | events.EventBus | FunctionLike
)
FailureTarget = SuccessTarget | s3.IBucket | s3.Bucket

_RUNTIME = Path(_defaults.__file__).parent / "runtime"
_EVENT_AGE: Final = Duration.seconds(_defaults.ASYNC_EVENT_AGE_SECONDS)

_configured: Final[WeakKeyDictionary[IConstruct, list[Invoked]]] = WeakKeyDictionary()
"""The qualifiers that have a configuration, of each app."""


class AsyncDestinations(Construct):
    """Retries of a function's asynchronous invocations, and where the record of each goes.

    What is deployed: the event invoke configuration, on the alias, version or function that is invoked;
    the permission to send to exactly these targets, on the function's role; a failure queue, encrypted,
    over TLS only, that keeps a record for 14 days (unless you pass `on_failure`); alarms on dropped
    events, on their age, on records that could not be delivered and on the first record in the failure queue;
    and the topic that they notify.

    S3, SNS, EventBridge, the scheduler and `InvocationType=Event` invoke asynchronously; SQS and streams do not,
    and have dead-letter queues of their own. A record has the event and the error or the answer; a success
    goes to `on_success`, and an event whose retries are exhausted, that is too old, or that found reserved
    concurrency 0 to `on_failure`. A record to a topic must fit into 256 KB: Lambda leaves a larger payload out.

    The construct may be in another stack than the function, also in a nested one, of the same Region and account.

    A function that also has a dead-letter queue is refused: Lambda sends the failed event
    to both, so that each failure is found, and redriven, twice. Destinations are the better choice of the two:
    they keep the error and the number of tries, they take buses, functions and buckets too, and they are set on
    the alias that is invoked.

    After the fault is fixed: `redrive=True` deploys a function that sends what is in the failure queue to `function`
    again. Invoke it: `aws lambda invoke --cli-read-timeout 0 --function-name ... /dev/stdout`. It returns how many it
    sent and kept. It sends each event once: a record is deleted only when Lambda has accepted its event, so nothing is
    lost; a run that is killed between the two sends that one event again, and Lambda itself may deliver any
    asynchronous event twice. Processing must be idempotent: use an idempotency key in the handler.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: The alias, version or function that is invoked. A configuration counts for the qualifier
            that it is on, and for no other: on a function, it does not serve the callers of its aliases.
        on_success: A queue, topic, event bus or function (pass its alias) for the records of successes, of the same
            Region. One of another account must let the function's role send, in its own policy.
        on_failure: The same, or a bucket, for the records of failures. None: a queue is created.
        retry_attempts: How many times Lambda retries after an error of the function, 0 to 2; default 2. It waits one
            minute before the first retry, and two before the second.
        max_event_age: Age after which Lambda discards an event, 60 seconds to 6 hours; default 6 hours.
        encryption_key: Your own KMS key for the failure queue that is created, of the same Region; default is a key
            that SQS manages, without cost.
        redrive: Whether to deploy the function that sends failed events again; requires a queue for failures.
        event_age: Alarm when an event was older when the function got it; default a quarter of an hour, or
            half of `max_event_age` where that is less.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.
        removal_policy: What happens to the failure queue that is created when the stack is deleted; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        function: The function, alias or version that you passed.
        event_invoke_config: The retries and destinations, on the qualifier of `function`.
        failure_queue: Where the records of failures go: the queue that was created, or yours. None if `on_failure` is
            not a queue.
        redrive_function: Sends the events in `failure_queue` to `function` again. None without `redrive=True`.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        dropped_alarm: On events that Lambda discarded: retries exhausted, too old, or reserved concurrency is 0.
        event_age_alarm: On events that wait too long for the function.
        delivery_alarm: On records that Lambda could not deliver to their destination.
        failure_queue_alarm: On the first record in `failure_queue`. None if there is no such queue, or if it is in
            another account, where its metrics are.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """

    function: Final[FunctionLike]
    event_invoke_config: Final[lambda_.EventInvokeConfig]
    failure_queue: Final[sqs.IQueue | None]
    redrive_function: Final[PythonFunction | None]
    alarm_topic: Final[sns.ITopic]
    dropped_alarm: Final[cloudwatch.Alarm]
    event_age_alarm: Final[cloudwatch.Alarm]
    delivery_alarm: Final[cloudwatch.Alarm]
    failure_queue_alarm: Final[cloudwatch.Alarm | None]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        on_success: SuccessTarget | None = None,
        on_failure: FailureTarget | None = None,
        retry_attempts: float = _defaults.ASYNC_RETRY_ATTEMPTS,
        max_event_age: Duration | None = None,
        encryption_key: kms.IKey | kms.Key | None = None,
        redrive: bool = False,
        event_age: Duration | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the destinations; the arguments are described at the class."""
        invoked = Invoked.of(function)
        check_place(scope, invoked)
        check_destinations(invoked, redrive=redrive is True)
        role = permissions.role_of(function, invoked.base)
        Alarms.check_topic(scope, alarm_topic)
        dead_letters.check_key(scope, encryption_key)
        _validation.check_flag("redrive", redrive)
        _validation.check_member("removal_policy", removal_policy, RemovalPolicy, without="SNAPSHOT")
        oldest = _validation.read_seconds(
            "max_event_age",
            max_event_age,
            _defaults.ASYNC_EVENT_AGE_SECONDS,
            low=_defaults.ASYNC_EVENT_AGE_SECONDS_MIN,
            high=_defaults.ASYNC_EVENT_AGE_SECONDS_MAX,
            whole="seconds",
            source=_defaults.ASYNC_ERRORS,
        )
        alarm_seconds = _validation.read_seconds("event_age", event_age, _default_event_age(oldest), low=1)
        _check_numbers(retry_attempts, oldest, alarm_seconds)
        age, unit = _age_in_its_unit(event_age, alarm_seconds)
        if on_failure is not None:
            _validation.check_not_with(
                "on_failure",
                "no queue is made then. Set this where the target is created.",
                encryption_key=encryption_key,
                removal_policy=removal_policy,
            )
            if redrive and not hasattr(on_failure, "queue_arn"):
                raise InvalidPropsError(
                    "redrive=True requires a queue for failures: leave on_failure out, or pass a queue."
                )
        success = _target(scope, "on_success", on_success)
        failure = _target(scope, "on_failure", on_failure)
        _check_function(invoked)
        configured = _configured_elsewhere(scope, function, invoked)
        _check_not_itself(invoked, on_success=success, on_failure=failure)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        configured.append(invoked)
        self.function = function
        if failure is None:
            failure = queue_destination(
                dead_letters.queue(
                    self, "FailureQueue", encryption_key=encryption_key, removal_policy=removal_policy
                )
            )
        self.failure_queue = failure.queue
        for target in (success, failure):
            if target is not None:
                holder = target.grant(self, role)
        self.event_invoke_config = lambda_.EventInvokeConfig(
            self,
            "EventInvokeConfig",
            # The L2 takes what it gets: an alias here would be in the name, and its qualifier $LATEST.
            function=invoked.base,
            qualifier=invoked.qualifier,
            on_success=None if success is None else _Destination(success.arn),
            on_failure=_Destination(failure.arn),
            retry_attempts=retry_attempts,
            max_event_age=max_event_age or _EVENT_AGE,
        )
        permissions.wait(self.event_invoke_config, holder)
        # The qualifier is text in the configuration, and Lambda refuses one that does not exist yet.
        qualifier = None if invoked.qualifier == LATEST else invoked.qualifier_resource
        if qualifier is not None:
            self.event_invoke_config.node.add_dependency(qualifier)

        alarms_here = Alarms(self, alarm_topic, findings=dead_letters.findings(on_failure))
        self.alarm_topic = alarms_here.topic
        self.dropped_alarm = alarms_here.add("DroppedAlarm", _events_dropped(function))
        self.event_age_alarm = alarms_here.add("EventAgeAlarm", _event_age(function, age=age, unit=unit))
        self.delivery_alarm = alarms_here.add("DeliveryAlarm", _delivery_failures(function))
        self.failure_queue_alarm = alarms_here.add(
            "FailureQueueAlarm",
            None
            if self.failure_queue is None
            or (on_failure is not None and location.is_of_another_account(self, self.failure_queue))
            else alarms.dead_letters(self.failure_queue),
        )
        self.redrive_function = (
            self._make_redrive(self.failure_queue) if redrive and self.failure_queue is not None else None
        )

    def _make_redrive(self, queue: sqs.IQueue) -> PythonFunction:
        function = PythonFunction(
            self,
            "Redrive",
            entry=_RUNTIME,
            handler="redrive.handle",
            exclude=[path.name for path in sorted(_RUNTIME.iterdir()) if path.name != "redrive.py"],
            description="Sends the events of a failure queue to their function again",
            timeout=Duration.seconds(_defaults.FUNCTION_TIMEOUT_SECONDS_MAX),
            environment={
                "REDRIVE_QUEUE_URL": queue.queue_url,
                "REDRIVE_FUNCTION": self.function.function_arn,
            },
        )
        role = permissions.role_of(function)
        permissions.allow_role(
            self,
            role,
            ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"],
            queue.queue_arn,
            resource=queue,
            key=queue.encryption_master_key,
            key_actions=["kms:Decrypt"],
        )
        arn = self.function.function_arn
        permissions.allow_role(self, role, ["lambda:InvokeFunction"], arn, resource=self.function)
        return function


# --- targets -------------------------------------------------------------------------------------------


@jsii.implements(lambda_.IDestination)
class _Destination:
    """An ARN and nothing else: the destinations of aws_lambda_destinations grant more than sending takes."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def bind(self, *_: Any, **__: Any) -> lambda_.DestinationConfig:
        return lambda_.DestinationConfig(destination=self._arn)


def _target(scope: Construct, name: str, target: Any) -> Destination | None:
    if target is None:
        return None
    found = _as_target(name, target)
    location.check(
        scope,
        name,
        target,
        same_account=False,
        way_out="Lambda sends records within its own Region: pass a target of that Region.",
        source=_defaults.ASYNC_RECORDS,
    )
    return found


def _as_target(name: str, target: Any) -> Destination:
    if isinstance(target, type):  # has the attributes of what it makes
        raise _no_target(name, target)
    if hasattr(target, "queue_arn"):
        check_not_fifo(name, target, source=_defaults.ASYNC_RECORDS)
        return queue_destination(target)
    if hasattr(target, "topic_arn"):
        check_not_fifo(name, target, source=_defaults.ASYNC_RECORDS)
        return topic_destination(target)
    if hasattr(target, "event_bus_arn"):
        arn = target.event_bus_arn
        return Destination(
            arn,
            allowing("events:PutEvents", arn, target),
        )
    if hasattr(target, "function_arn"):
        invoked = Invoked.of(target, name)
        check_event_source(invoked, name)
        return Destination(
            invoked.arn,
            allowing("lambda:InvokeFunction", invoked.arn, target),
            function_arn=invoked.base_arn,
        )
    if hasattr(target, "bucket_arn"):
        if name == "on_success":
            raise InvalidPropsError(
                f"on_success cannot be a bucket, got {target.node.path}: Lambda keeps records of failures alone "
                f"in S3. See {_defaults.ASYNC_RECORDS}"
            )
        return bucket_destination(target, _defaults.ASYNC_S3_PREFIX)
    raise _no_target(name, target)


def _no_target(name: str, target: object) -> InvalidPropsError:
    kinds = (
        "queue, topic, event bus or function"
        if name == "on_success"
        else "queue, topic, event bus, function or bucket"
    )
    hint = ""
    if hasattr(target, "alias"):
        hint = " Pass its .alias."
    elif hasattr(target, "bind"):
        hint = " Pass the queue, topic or function itself, not the destination around it."
    return InvalidPropsError(
        f"{name} must be a {kinds}, got {_validation.shown(target)}.{hint} See {_defaults.ASYNC_RECORDS}"
    )


# --- arguments -----------------------------------------------------------------------------------------


def _default_event_age(oldest: float | None) -> float:
    default: float = _defaults.ASYNC_EVENT_AGE_ALARM_SECONDS
    return default if oldest is None else min(default, _defaults.ASYNC_EVENT_AGE_ALARM_SHARE * oldest)


def _age_in_its_unit(event_age: Duration | None, known: float | None) -> tuple[float, int]:
    """An age, and how many milliseconds its unit has: CDK converts nothing that is known only at deployment."""
    if known is not None or event_age is None:
        return (known or 0) * 1000, 1
    units = {
        1: event_age.to_milliseconds,
        1000: event_age.to_seconds,
        60_000: event_age.to_minutes,
        3_600_000: event_age.to_hours,
    }
    for milliseconds, read in units.items():
        with suppress(RuntimeError):
            return read(), milliseconds
    raise InvalidPropsError("event_age must be milliseconds to hours where it is known only at deployment.")


def _check_numbers(retry_attempts: float, oldest: float | None, alarm_seconds: float | None) -> None:
    _validation.check_range(
        "retry_attempts",
        retry_attempts,
        _defaults.ASYNC_RETRY_ATTEMPTS_MIN,
        _defaults.ASYNC_RETRY_ATTEMPTS_MAX,
        whole=True,
        source=_defaults.ASYNC_ERRORS,
    )
    if alarm_seconds is not None and oldest is not None and alarm_seconds >= oldest:
        raise InvalidPropsError(
            f"event_age must be below max_event_age of {oldest:,.0f} seconds, got {alarm_seconds:,.0f}: no event "
            f"that the function gets is older, so the alarm would never go off."
        )


def _configured_elsewhere(scope: Construct, function: FunctionLike, invoked: Invoked) -> list[Invoked]:
    """The functions of the app that have a configuration; this one must not be among them."""
    node = node_of(function)
    configured = _configured.setdefault(app_of(scope) or node.root, [])
    by_cdk = (child for child in invoked.children if isinstance(child, lambda_.EventInvokeConfig))
    if any(each.is_same_as(invoked) for each in configured) or any(
        child.node.id == "EventInvokeConfig" for child in by_cdk
    ):
        raise InvalidPropsError(
            f"function {node.path} has an asynchronous configuration on {invoked.qualifier} already, and Lambda keeps "
            f"one for each qualifier: give this AsyncDestinations all of it. See {_defaults.ASYNC_RECORDS}"
        )
    return configured


def _check_not_itself(invoked: Invoked, **targets: Destination | None) -> None:
    for name, target in targets.items():
        if target is not None and target.function_arn == invoked.base_arn and not _loops_on_purpose(invoked):
            raise InvalidPropsError(
                f"{name} cannot be the function itself, got {invoked.base.node.path}: each result would invoke it "
                f"again, in an endless loop. See {_defaults.RECURSION}"
            )


def _loops_on_purpose(invoked: Invoked) -> bool:
    return invoked.properties.get("recursiveLoop") == "Allow"


def _check_function(invoked: Invoked) -> None:
    if invoked.properties.get("deadLetterConfig") is not None:
        raise InvalidPropsError(
            f"function {invoked.base.node.path} has a dead-letter queue: Lambda would send each failed event "
            f"to both, and neither wins. Take it away (dead_letter_queue, dead_letter_topic): a destination keeps "
            f"the error too, and sits on the alias that is called. See {_defaults.ASYNC_DEAD_LETTERS}"
        )


# --- alarms --------------------------------------------------------------------------------------------
#
# AWS names these metrics and gives no threshold: those here are ours. An event given up, or a record lost, is one too
# many. Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html


def _events_dropped(function: FunctionLike) -> Watch:
    """The first event that Lambda discarded: retries exhausted, too old, or turned off."""
    return Watch(
        metric=_metric(function, "AsyncEventsDropped", "Sum"),
        threshold=0,
        periods=1,
        datapoints=1,
        description="Lambda gave up events: out of retries, too old, or reserved concurrency is 0. They are in the "
        "failure destination, except those that it could not take.",
    )


def _event_age(function: FunctionLike, *, age: float, unit: int) -> Watch:
    """Events that wait too long for their function.

    Args:
        function: The function, or the alias or version that is called.
        age: The longest acceptable age of an event when the function gets it.
        unit: Of that, in milliseconds, which are the metric's own.
    """
    metric: cloudwatch.IMetric = _metric(function, "AsyncEventAge", "Maximum")
    if unit != 1:
        metric = cloudwatch.MathExpression(
            expression=f"age / {unit}", label="Age", using_metrics={"age": metric}, period=alarms.PERIOD
        )
    return Watch(
        metric=metric,
        threshold=age,
        description="Events wait too long: the function is throttled, or errors pile up.",
    )


def _delivery_failures(function: FunctionLike) -> Watch:
    """The first record that its destination did not take, and that is lost."""
    return Watch(
        metric=_metric(function, "DestinationDeliveryFailures", "Sum"),
        threshold=0,
        periods=1,
        datapoints=1,
        description="Lambda could not deliver records to their destination, and they are lost. Check the permissions "
        "of the function's role, the key, and the size of the records.",
    )


def _metric(function: FunctionLike, name: str, statistic: str) -> cloudwatch.Metric:
    return function.metric(
        name, period=alarms.PERIOD, statistic=statistic, dimensions_map=dimensions_of(function)
    )
