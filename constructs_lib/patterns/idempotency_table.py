"""A table in which functions remember what they have done, for the idempotency of Powertools."""

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from aws_cdk import RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import alarms, clients, encryption, location, permissions
from constructs_lib.foundation.alarms import Alarms, Watch
from constructs_lib.foundation.invoked import Invoked, changeable, check_place
from constructs_lib.practice.plugin import check_app_of

if TYPE_CHECKING:  # a service module costs time at import
    from aws_cdk import aws_kms as kms

_ACTIONS: Final = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
_KEY_ACTIONS: Final = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
]


class IdempotencyTable(Construct):
    """A DynamoDB table for the idempotency of Powertools for AWS Lambda: what was done once is not done again.

    Queues, streams, events and clients that retry deliver at least once. A handler with Powertools' `@idempotent`
    stores what it is doing under a key of the event, and answers a second delivery with the first one's result. If the
    effect is in a database behind `ProxiedDatabase`, use `constructs_lib.runtime.once.Once` instead: it stores the key
    in the effect's own transaction, so that both are stored or neither is. With this table they are stored one after
    the other: a function that ends between them has the effect again, once the record's time in progress has passed.

    What is deployed: a table on demand, with the attributes that Powertools expects (`id`, and `expiration`, after
    which DynamoDB deletes a record), point-in-time recovery, deletion protection and encryption; and an alarm on
    throttled writes. `connect` gives a function the four actions that Powertools needs, on this table alone, and its
    name.

    The guide is docs/idempotency.md.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        encryption_key: Your own key, of the same Region; default a key that DynamoDB owns, without cost. Another key
            encrypts the table anew; it is not replaced.
        alarm_topic: The topic that the alarm notifies, of the same Region. None: a topic is created, for you to
            subscribe to.
        removal_policy: What happens to the table when the stack is deleted; default RETAIN. With DESTROY it has no
            deletion protection.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        table: The table.
        alarm_topic: The topic that the alarm notifies: the one that you passed, or the one that was created.
        throttles_alarm: On a throttled write: the invocation fails, and its event is delivered again.

    Source: https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/
    """

    table: Final[dynamodb.Table]
    alarm_topic: Final[sns.ITopic]
    throttles_alarm: Final[cloudwatch.Alarm]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        encryption_key: "kms.IKey | kms.Key | None" = None,
        alarm_topic: sns.ITopic | sns.Topic | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the table and its alarm; the arguments are described at the class."""
        encryption.check_key(scope, encryption_key, of="DynamoDB", source=_defaults.DYNAMODB_KEYS)
        Alarms.check_topic(scope, alarm_topic)
        _validation.check_type("removal_policy", removal_policy, RemovalPolicy, "RemovalPolicy.DESTROY")

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=_KEY,
            time_to_live_attribute="expiration",
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=_RECOVERY,
            deletion_protection=removal_policy != RemovalPolicy.DESTROY,
            encryption_key=encryption_key,
            removal_policy=removal_policy or RemovalPolicy.RETAIN,
        )
        location.note(self, self.table)
        self._key = encryption_key
        self._connected: WeakKeyDictionary[lambda_.Function, str] = WeakKeyDictionary()
        alarms_here = Alarms(self, alarm_topic)
        self.alarm_topic = alarms_here.topic
        self.throttles_alarm = alarms_here.add("ThrottlesAlarm", _throttled_writes(self.table))

    def connect(self, function: FunctionLike, *, variable: str = "IDEMPOTENCY_TABLE") -> None:
        """Let a function use the table, and tell it the name.

        The function's role may read, write and delete single records of this table. Its environment gets the name of
        the table, for `DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])`. Its code needs the
        package `aws-lambda-powertools`. In a VPC without a way to the internet, it needs a gateway endpoint for
        DynamoDB.

        Args:
            function: A function of this app, of the same Region and account, or its alias.
            variable: The name of the environment variable; another one for a second table of the same function.

        Raises:
            InvalidPropsError: The function is imported, a version, or elsewhere; it is connected already; or the
                variable is taken.
        """
        invoked = Invoked.of(function)
        behind = changeable(function)
        check_place(self, invoked)
        if behind in self._connected:
            raise InvalidPropsError(
                f"function {invoked.path} is connected to {self.node.path} already, by the variable "
                f"{self._connected[behind]}."
            )
        clients.check_variable(invoked, behind, variable)
        self._connected[behind] = variable
        behind.add_environment(variable, self.table.table_name)
        # The function's stack refers to the table by its name already: its policy is there, too.
        permissions.allow_role(
            behind,
            permissions.role_of(behind),
            _ACTIONS,
            self.table.table_arn,
            resource=self.table,
            key=self._key,
            key_actions=_KEY_ACTIONS,
        )


_KEY: Final = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
_RECOVERY: Final = dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True)


def _throttled_writes(table: dynamodb.ITable) -> Watch:
    return Watch(
        metric=table.metric("WriteThrottleEvents", period=alarms.PERIOD, statistic="Sum"),
        threshold=0,
        periods=1,
        datapoints=1,
        description="Writes to the idempotency table are throttled, and invocations fail with them. A table on demand "
        "takes twice its earlier peak at once, and more after half an hour: find the burst, or warm the table up.",
    )
