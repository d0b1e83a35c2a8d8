"""What the executions of a durable function need around them: dead letters, alarms, and a start that happens once."""

from pathlib import Path
from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, dead_letters, location, permissions
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.function.python_function import PythonFunction
from constructs_lib.foundation.invoked import Invoked, check_event_source, check_place, dimensions_of
from constructs_lib.foundation.resource import resource_of
from constructs_lib.practice.plugin import check_app_of

_RUNTIME = Path(_defaults.__file__).parent / "runtime"
_STARTER_TIMEOUT: Final = Duration.seconds(_defaults.STARTER_TIMEOUT_SECONDS)


class DurableExecutions(Construct):
    """The dead letters and alarms of a durable function, and a starter for queues and events.

    What is deployed: a dead-letter queue of the function itself, encrypted, over TLS only, that keeps events for 14
    days, and the permission of the function's role to send there; alarms on the first dead letter, on executions that
    fail or take too long, and on dead letters that are lost; and the topic that they go to. With `starter=True` also a
    function that starts one execution for each message or event.

    Durable functions have no destinations, and Lambda does not try a failed execution again: put retries into the
    handler's steps. When an execution that was started asynchronously fails, is stopped or takes too long, Lambda sends
    the event that started it to the dead-letter queue, and so it does with an event that it could not start at all.

    **The starter.** Pass `starter` as the `function` of a `QueueConsumer`, an `EventRule`, a `BucketEvents` or a
    `TopicSubscription`. These deliver at least once, and a durable function behind them would start an execution with
    each delivery; a queue would also wait for the whole execution. The starter passes a name by which Lambda knows the
    execution for as long as its history is kept. The name comes from the id of the message or event, or from
    `execution_key`. The input of an execution is the body of a queue's message, the text of a topic's, or the `detail`
    of an event. A message that starts nothing goes back to its queue; an event goes into this dead-letter queue, after
    Lambda's two retries.

    The guide is docs/durable.md.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: An alias or version of the durable function, in the stack of this construct: `LiveAlias.alias`.
        starter: Whether to deploy the starter.
        execution_key: The key whose value names an execution, such as `order_id`, in the JSON object that is its input.
            A second message with the same value starts nothing; if the rest of its input differs, it is an error.
            Default: the id of the message or event. Requires `starter=True`.
        dead_letter_queue: Your own standard queue, of the same Region and account. None: a queue is made.
        encryption_key: Of the dead-letter queue that is made, of the same Region; default is a key that SQS manages,
            without cost.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.
        removal_policy: What happens to the dead-letter queue that is made when the stack is deleted; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        function: The alias or version, as you passed it.
        dead_letter_queue: The dead-letter queue that you passed, or the one that was made.
        starter: Starts an execution for each message or event. None without `starter=True`.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        dead_letter_alarm: On the first event in `dead_letter_queue`. None if that queue is in another account, where
            its metrics are.
        failed_alarm: On an execution that failed.
        timed_out_alarm: On an execution that took longer than its `execution_timeout`.
        undelivered_alarm: On events that could not be sent to `dead_letter_queue`, by the function or the starter.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/durable-best-practices.html
    """

    function: Final[FunctionLike]
    dead_letter_queue: Final[sqs.IQueue]
    starter: Final[PythonFunction | None]
    alarm_topic: Final[sns.ITopic]
    dead_letter_alarm: Final[cloudwatch.Alarm | None]
    failed_alarm: Final[cloudwatch.Alarm]
    timed_out_alarm: Final[cloudwatch.Alarm]
    undelivered_alarm: Final[cloudwatch.Alarm]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        starter: bool = False,
        execution_key: str | None = None,
        dead_letter_queue: sqs.IQueue | sqs.Queue | None = None,
        encryption_key: kms.IKey | kms.Key | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the dead letters, the alarms and the starter; the arguments are described at the class."""
        invoked = Invoked.of(function)
        check_place(scope, invoked)
        durable = _durable_function(scope, function, invoked)
        _validation.check_flag("starter", starter)
        if execution_key is not None:
            _validation.check_text("execution_key", execution_key)
            if not starter or not execution_key:
                raise InvalidPropsError(
                    "execution_key requires starter=True, and must not be empty: it is the starter that names "
                    f"executions. See {_defaults.DURABLE_NAMES}"
                )
        dead_letters.check(
            scope,
            dead_letter_queue,
            removal_policy,
            source=_defaults.DURABLE_PRACTICES,
            same_account=True,
            encryption_key=encryption_key,
        )
        Alarms.check_topic(scope, alarm_topic)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        self.function = function
        self.dead_letter_queue = dead_letter_queue or dead_letters.queue(
            self, "DeadLetterQueue", encryption_key=encryption_key, removal_policy=removal_policy
        )
        self._send_dead_letters(durable)
        alarms_here = Alarms(self, alarm_topic, findings=dead_letters.findings(dead_letter_queue))
        self.alarm_topic = alarms_here.topic
        self.dead_letter_alarm = alarms_here.add(
            "DeadLetterAlarm", dead_letters.watch(self, self.dead_letter_queue, passed=dead_letter_queue)
        )
        self.failed_alarm = alarms_here.add("FailedAlarm", _failed(durable))
        self.timed_out_alarm = alarms_here.add("TimedOutAlarm", _timed_out(durable))
        self.starter = self._make_starter(durable, execution_key) if starter else None
        self.undelivered_alarm = alarms_here.add("UndeliveredAlarm", _undelivered(durable, self.starter))

    def _send_dead_letters(self, function: lambda_.Function) -> None:
        """Lambda looks at the permission when the function gets the queue: it is in the role's own policy."""
        queue = self.dead_letter_queue
        resource_of(
            function, lambda_.CfnFunction
        ).dead_letter_config = lambda_.CfnFunction.DeadLetterConfigProperty(target_arn=queue.queue_arn)
        permissions.allow_role(
            self,
            permissions.role_of(function),
            ["sqs:SendMessage"],
            queue.queue_arn,
            resource=queue,
            key=queue.encryption_master_key,
            key_actions=["kms:GenerateDataKey", "kms:Decrypt"],
        )

    def _make_starter(self, durable: lambda_.Function, execution_key: str | None) -> PythonFunction:
        arn = self.function.function_arn
        properties = Invoked.of(durable).properties
        function = PythonFunction(
            self,
            "Starter",
            entry=_RUNTIME,
            handler="start.handle",
            exclude=[path.name for path in sorted(_RUNTIME.iterdir()) if path.name != "start.py"],
            description="Starts one durable execution for each message or event",
            timeout=_STARTER_TIMEOUT,
            # As the durable function has them: not every Region has both.
            recursive_loop=None
            if properties.get("recursiveLoop") is None
            else lambda_.RecursiveLoop.TERMINATE,
            tracing=lambda_.Tracing.DISABLED
            if properties.get("tracingConfig") is None
            else lambda_.Tracing.ACTIVE,
            environment={"DURABLE_FUNCTION": arn}
            | ({} if execution_key is None else {"EXECUTION_KEY": execution_key}),
        )
        self._send_dead_letters(function)
        permissions.allow_role(
            self, permissions.role_of(function), ["lambda:InvokeFunction"], arn, resource=self.function
        )
        return function


# --- arguments -----------------------------------------------------------------------------------------


def _durable_function(scope: Construct, function: FunctionLike, invoked: Invoked) -> lambda_.Function:
    """The durable function itself, which gets the dead-letter queue."""
    if invoked.function is None or not invoked.kind.is_durable:
        raise InvalidPropsError(
            f"function must be an alias or version of a durable function of this app, got {invoked.path}. Pass "
            f"durable=Durable(...) to its PythonFunction; for other functions there is AsyncDestinations. "
            f"See {_defaults.DURABLE_CONFIGURATION}"
        )
    check_event_source(invoked)
    ours = location.stack_of(scope)
    for part in (function, invoked.function):
        theirs = location.stack_of(part)
        if theirs is not ours:
            raise InvalidPropsError(
                f"function must be in the stack {ours.node.path}, got {part.node.path} of stack {theirs.node.path}: "
                "the function would wait for its dead-letter queue, and the starter for the function. Make this "
                "DurableExecutions in the stack of the function and its alias."
            )
    if invoked.properties.get("deadLetterConfig") is not None:
        raise InvalidPropsError(
            f"function {invoked.path} has a dead-letter queue already, and Lambda takes one. Pass that queue as "
            "dead_letter_queue here and remove it there, or use one DurableExecutions for all aliases of the function. "
            f"See {_defaults.DURABLE_PRACTICES}"
        )
    return invoked.function


# --- alarms --------------------------------------------------------------------------------------------
#
# AWS recommends these alarms, and gives no threshold and no dimensions. They count by the function, as all metrics of
# Lambda do. Source: https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html


def _failed(function: lambda_.Function) -> Watch:
    """The first execution that failed: nobody will try it again."""
    return _first(
        function,
        "DurableExecutionFailed",
        description="Durable executions have failed. Find the cause in the history of the execution. Its event is in "
        "the dead-letter queue: start it again, under another name.",
    )


def _timed_out(function: lambda_.Function) -> Watch:
    """The first execution that took longer than it may."""
    return _first(
        function,
        "DurableExecutionTimedOut",
        description="Durable executions took longer than their execution_timeout: a callback never came, or a step was "
        "tried for too long. Give each wait for a callback a timeout of its own.",
    )


def _undelivered(function: lambda_.Function, starter: lambda_.Function | None) -> Watch:
    """The first event that the dead-letter queue did not take, and that is lost, whichever function sent it."""
    errors = {
        name: each.metric("DeadLetterErrors", period=alarms.PERIOD, statistic="Sum")
        for name, each in (("executions", function), ("starter", starter))
        if each is not None
    }
    return Watch(
        metric=errors["executions"]
        if starter is None
        else cloudwatch.MathExpression(
            expression="executions + starter",
            label="Events that were lost",
            using_metrics=errors,
            period=alarms.PERIOD,
        ),
        threshold=0,
        periods=1,
        datapoints=1,
        description="Lambda could not send events to the dead-letter queue, and they are lost. Check that the queue "
        "exists, and the permissions of the function's role and of the key.",
    )


def _first(function: FunctionLike, metric: str, *, description: str) -> Watch:
    return Watch(
        metric=function.metric(
            metric, period=alarms.PERIOD, statistic="Sum", dimensions_map=dimensions_of(function)
        ),
        threshold=0,
        periods=1,
        datapoints=1,
        description=description,
    )
