"""Call a Lambda function for what happens to the objects of an S3 bucket."""

from collections.abc import Sequence
from typing import Any, Final

from aws_cdk import Annotations, Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import dead_letters, location, rule
from constructs_lib.foundation.alarms import Alarms
from constructs_lib.foundation.invoked import Invoked, check_event_source, check_permission, check_place
from constructs_lib.practice.plugin import check_app_of


class BucketEvents(Construct):
    """A rule that calls your function for the objects of a bucket: made, deleted, restored or tagged.

    What is deployed: notifications of the bucket to EventBridge, turned on in the bucket's own properties and
    without a custom resource; the rule on the default bus; the permission to call exactly this alias, version or
    function, for exactly this rule; a dead-letter queue, encrypted, over TLS only, for the events that Lambda did
    not take; an alarm on the first of them, and the topic that it goes to.

    The event is EventBridge's (`detail.bucket.name`, `detail.object.key`, not URL-encoded), not the `Records` of
    S3's own notifications. Several rules may ask for the same objects, which S3's own notifications refuse; and
    there are retries and a dead-letter queue, which those do not have. S3 sends EventBridge every event of the
    bucket, and each is paid for (about a dollar a million), whether a rule takes it or not.

    A function that may write, by its policies, what would invoke it again fails synth: let it write below another
    prefix, and grant it no more than that, such as `bucket.grant_put(function, "thumbnails/*")`.

    The invocation is asynchronous: once Lambda has the event, the rule is done with it. What the handler then fails at
    is for `AsyncDestinations` on the same function.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        function: The alias, version or function to invoke, of the same Region and account. Prefer an alias: with a
            version, each deployment creates a new permission, and events that come just before become dead letters.
        bucket: Whose objects, of the same Region and account; an imported one must have EventBridge notifications
            turned on.
        event_types: Which events; default is `Object Created`.
        prefix: Of the keys, such as `uploads/`.
        suffix: Of the keys, such as `.jpg`.
        retry_attempts: How many times delivery to Lambda is retried, 0 to 185; default 185.
        max_event_age: How long delivery to Lambda is retried, 60 seconds to 24 hours; default 24 hours.
        dead_letter_queue: Your own standard queue, in the same Region and stack. None: a queue is created.
        alarm_topic: The topic that the alarms notify, of the same Region. None: that of `AlarmSettings`, or else one
            that is created, for you to subscribe to.
        removal_policy: What happens to the dead-letter queue that is created when the stack is deleted; default RETAIN.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        rule: The rule on the default bus.
        bucket: The bucket, as you passed it.
        function: The function, alias or version that you passed.
        dead_letter_queue: The dead-letter queue that you passed, or the one that was created.
        alarm_topic: Notified by the alarms: the one that you passed, that of `AlarmSettings`, or one that was created.
        dead_letter_alarm: On the first event in `dead_letter_queue`. None if that queue is in another account, where
            its metrics are.
        undelivered_alarm: On events that could not even be sent to `dead_letter_queue`.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
    """

    rule: Final[events.Rule]
    bucket: Final[s3.IBucket]
    function: Final[FunctionLike]
    dead_letter_queue: Final[sqs.IQueue]
    alarm_topic: Final[sns.ITopic]
    dead_letter_alarm: Final[cloudwatch.Alarm | None]
    undelivered_alarm: Final[cloudwatch.Alarm]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: FunctionLike,
        bucket: s3.IBucket | s3.Bucket,
        event_types: Sequence[str] = _defaults.BUCKET_EVENT_TYPES[:1],
        prefix: str = "",
        suffix: str = "",
        retry_attempts: float = _defaults.EVENT_RETRY_ATTEMPTS,
        max_event_age: Duration | None = None,
        dead_letter_queue: sqs.IQueue | sqs.Queue | None = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the bucket's events; the arguments are described at the class."""
        rule.check_delivery(scope, retry_attempts, max_event_age, dead_letter_queue, removal_policy)
        dead_letters.check_stack(scope, dead_letter_queue)
        _validation.check_part("bucket", bucket, "bucket_arn", "a bucket", required=True)
        location.check(
            scope,
            "bucket",
            bucket,
            way_out="S3 sends its events to the default bus of the bucket's own Region and account: make this "
            "BucketEvents there, or a rule there that sends the events to a bus here.",
            source=_defaults.BUCKET_EVENTS,
        )
        Alarms.check_topic(scope, alarm_topic)
        for name, part in (("prefix", prefix), ("suffix", suffix)):
            _validation.check_text(name, part)
        _check_events(event_types)
        invoked = Invoked.of(function)
        check_place(scope, invoked)
        check_event_source(invoked)
        check_permission(invoked, function)

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        self.bucket = bucket
        self.function = function
        self._turn_on_notifications()
        keys = _keys(prefix, suffix)
        self.rule = events.Rule(
            self,
            "Rule",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=list(event_types),
                detail={"bucket": {"name": [bucket.bucket_name]}}
                | ({"object": {"key": keys}} if keys else {}),
            ),
        )
        self.dead_letter_queue = dead_letter_queue or dead_letters.queue(
            self, "DeadLetterQueue", removal_policy=removal_policy
        )
        rule.call(
            self.rule,
            function=function,
            dead_letter_queue=self.dead_letter_queue,
            retry_attempts=retry_attempts,
            max_event_age=max_event_age,
        )
        alarms_here = Alarms(self, alarm_topic, findings=dead_letters.findings(dead_letter_queue))
        self.alarm_topic = alarms_here.topic
        self.dead_letter_alarm = alarms_here.add(
            "DeadLetterAlarm", dead_letters.watch(self, self.dead_letter_queue, passed=dead_letter_queue)
        )
        self.undelivered_alarm = alarms_here.add("UndeliveredAlarm", rule.undelivered(self.rule, None))

    def _turn_on_notifications(self) -> None:
        resource = self.bucket.node.default_child
        if not isinstance(resource, s3.CfnBucket):
            Annotations.of(self).add_info_v2(
                "constructs-lib:imported-bucket",
                f"Notifications of the imported bucket {self.bucket.node.path} cannot be turned on here: it needs "
                f"EventBridge notifications. See {_defaults.BUCKET_EVENTS}",
            )
        elif isinstance(self.bucket, s3.Bucket) and self.bucket.node.try_find_child("Notifications"):
            # A custom resource sets all of this bucket's notifications, and would overwrite ours.
            self.bucket.enable_event_bridge_notification()
        else:
            resource.add_property_override(
                "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True
            )


# --- arguments -----------------------------------------------------------------------------------------


def _check_events(event_types: Sequence[str]) -> None:
    if isinstance(event_types, str):
        raise InvalidPropsError(f"event_types must be a list, such as [{event_types!r}], got the text alone.")
    _validation.check_texts("event_types", event_types)
    if not event_types:
        raise InvalidPropsError("event_types must name at least one event, got none.")
    for event_type in event_types:
        _validation.check_choice(
            "event_types", event_type, _defaults.BUCKET_EVENT_TYPES, source=_defaults.BUCKET_EVENTS
        )


def _keys(prefix: str, suffix: str) -> list[dict[str, Any]]:
    """The matcher of keys. Two matchers in a list would mean one or the other; so both are one wildcard."""
    if prefix and suffix:
        literal = (text.replace("\\", "\\\\").replace("*", "\\*") for text in (prefix, suffix))
        return [{"wildcard": "*".join(literal)}]
    return [{name: text} for name, text in (("prefix", prefix), ("suffix", suffix)) if text]
