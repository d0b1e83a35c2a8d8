"""The promises that KinesisConsumer and TableStreamConsumer share, one test each; none rests on a snapshot."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs_lib import KinesisConsumer, TableStreamConsumer
from constructs_lib.patterns.streams.stream_consumer import StreamConsumer
from tests.gallery.parts import bucket, key, live, queue, topic
from tests.gallery.plain_function import function
from tests.gallery.streams import stream, table
from tests.template import granted, logical_id, of_type, properties, resource, statements, warnings

Make = Callable[..., StreamConsumer]


def of_kinesis(stack: Stack, **arguments: Any) -> KinesisConsumer:
    called = arguments.pop("function", None) or live(stack)
    return KinesisConsumer(stack, "Consumer", function=called, stream=stream(stack), **arguments)


def of_a_table(stack: Stack, **arguments: Any) -> TableStreamConsumer:
    called = arguments.pop("function", None) or live(stack)
    return TableStreamConsumer(stack, "Consumer", function=called, table=table(stack), **arguments)


BOTH = pytest.mark.parametrize("make", [of_kinesis, of_a_table], ids=["Kinesis", "table"])


def mapping(made: StreamConsumer) -> dict[str, Any]:
    return properties(made.event_source_mapping)


def failures_of(made: StreamConsumer) -> Any:
    return mapping(made)["DestinationConfig"]["OnFailure"]["Destination"]


def role_of(made: StreamConsumer) -> Any:
    return made.function.role


# --- the mapping -----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("what", ["alias", "version", "function"])
def test_the_mapping_is_on_what_was_passed(stack: Stack, make: Make, what: str) -> None:
    worker = function(stack)
    version = worker.current_version
    called, part = {
        "alias": (live(worker), ":live"),
        "version": (version, {"Fn::GetAtt": [logical_id(version), "Version"]}),
        "function": (worker, {"Ref": logical_id(worker)}),
    }[what]
    made = make(stack, function=called)
    assert made.function is called
    found = mapping(made)["FunctionName"]
    assert found == stack.resolve(called.function_name)
    assert str(part) in str(found) or what == "version"


@BOTH
def test_a_bad_record_is_soon_alone_and_given_up_after_five_retries(stack: Stack, make: Make) -> None:
    found = mapping(make(stack))
    assert found["BisectBatchOnFunctionError"] is True
    assert found["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert found["MaximumRetryAttempts"] == 5
    assert found["MaximumRecordAgeInSeconds"] == 12 * 3600
    assert found["StartingPosition"] == "TRIM_HORIZON"
    assert (found["BatchSize"], found["ParallelizationFactor"]) == (100, 1)
    assert "TumblingWindowInSeconds" not in found
    assert "FilterCriteria" not in found


@BOTH
def test_the_mapping_is_as_the_arguments_set_it(stack: Stack, make: Make) -> None:
    made = make(
        stack,
        batch_size=7,
        max_batching_window=Duration.seconds(8),
        parallelization_factor=9,
        retry_attempts=0,
        max_record_age=Duration.minutes(11),
        starting_position=lambda_.StartingPosition.LATEST,
        filters=[{"eventID": ["a"]}, {"eventName": [{"exists": True}]}],
    )
    found = mapping(made)
    assert found["BatchSize"] == 7
    assert found["MaximumBatchingWindowInSeconds"] == 8
    assert found["ParallelizationFactor"] == 9
    assert found["MaximumRetryAttempts"] == 0
    assert found["MaximumRecordAgeInSeconds"] == 660
    assert found["StartingPosition"] == "LATEST"
    assert found["FilterCriteria"]["Filters"] == [
        {"Pattern": '{"eventID": ["a"]}'},
        {"Pattern": '{"eventName": [{"exists": true}]}'},
    ]


@BOTH
def test_a_tumbling_window_is_set(stack: Stack, make: Make) -> None:
    assert mapping(make(stack, tumbling_window=Duration.minutes(2)))["TumblingWindowInSeconds"] == 120


@BOTH
def test_event_counts_are_published_unless_turned_off(stack: Stack, make: Make) -> None:
    assert mapping(make(stack))["MetricsConfig"] == {"Metrics": ["EventCount"]}


@BOTH
def test_without_event_counts_a_bucket_has_no_alarm_on_failed_records(stack: Stack, make: Make) -> None:
    made = make(stack, event_count_metrics=False)
    assert "MetricsConfig" not in mapping(made)
    assert made.failed_records_alarm is None


# --- the bucket ------------------------------------------------------------------------------------------


@BOTH
def test_failures_are_kept_in_a_bucket_of_their_own(stack: Stack, make: Make) -> None:
    made = make(stack)
    assert made.failure_bucket is not None
    assert made.failure_queue is None
    name = logical_id(made.failure_bucket)
    assert failures_of(made) == {"Fn::GetAtt": [name, "Arn"]}
    kept = resource(made.failure_bucket)
    assert kept["DeletionPolicy"] == "Retain"
    found = kept["Properties"]
    (encryption,) = found["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(found["PublicAccessBlockConfiguration"]) == 4
    assert found["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (rule,) = found["LifecycleConfiguration"]["Rules"]
    assert rule == {"ExpirationInDays": 14, "Status": "Enabled"}


@BOTH
def test_the_bucket_wants_tls(stack: Stack, make: Make) -> None:
    made = make(stack)
    arn = {"Fn::GetAtt": [logical_id(made.failure_bucket), "Arn"]}
    (policy,) = of_type(stack, "AWS::S3::BucketPolicy").values()
    (denied,) = policy["PolicyDocument"]["Statement"]
    assert policy["Bucket"] == {"Ref": logical_id(made.failure_bucket)}
    assert (denied["Effect"], denied["Action"]) == ("Deny", "s3:*")
    assert denied["Resource"] == [arn, {"Fn::Join": ["", [arn, "/*"]]}]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@BOTH
def test_the_bucket_is_as_the_arguments_set_it(stack: Stack, make: Make) -> None:
    made = make(stack, failed_record_retention=Duration.days(30), removal_policy=RemovalPolicy.DESTROY)
    found = resource(made.failure_bucket)
    assert found["DeletionPolicy"] == "Delete"
    assert found["Properties"]["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 30


@BOTH
def test_a_key_of_yours_encrypts_the_bucket(stack: Stack, make: Make) -> None:
    secret = key(stack)
    made = make(stack, encryption_key=secret)
    arn = {"Fn::GetAtt": [logical_id(secret), "Arn"]}
    (encryption,) = properties(made.failure_bucket)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["BucketKeyEnabled"] is True
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    assert granted(role_of(made), arn) == {"kms:GenerateDataKey"}


# --- targets and permissions -----------------------------------------------------------------------------


@BOTH
def test_the_role_may_put_failures_into_the_bucket_below_the_prefix_of_lambda(
    stack: Stack, make: Make
) -> None:
    made = make(stack)
    arn = {"Fn::GetAtt": [logical_id(made.failure_bucket), "Arn"]}
    assert granted(role_of(made), arn) == {"s3:ListBucket"}
    assert granted(role_of(made), {"Fn::Join": ["", [arn, "/aws/lambda/*"]]}) == {"s3:PutObject"}


TARGETS: dict[str, tuple[Callable[..., Any], str, set[str]]] = {
    "queue": (lambda stack, secret: queue(stack, encryption_key=secret), "queue_arn", {"sqs:SendMessage"}),
    "topic": (lambda stack, secret: topic(stack, master_key=secret), "topic_arn", {"sns:Publish"}),
    "bucket": (lambda stack, secret: bucket(stack, encryption_key=secret), "bucket_arn", {"s3:ListBucket"}),
}


@BOTH
@pytest.mark.parametrize("target", TARGETS)
def test_failures_go_to_your_target_and_the_role_may_send_there_alone(
    stack: Stack, make: Make, target: str
) -> None:
    create, arn_of, actions = TARGETS[target]
    secret = key(stack)
    place = create(stack, secret)
    made = make(stack, on_failure=place)
    arn = stack.resolve(getattr(place, arn_of))
    assert failures_of(made) == arn
    assert granted(role_of(made), arn) == actions
    with_the_key = {"kms:GenerateDataKey"} if target == "bucket" else {"kms:GenerateDataKey", "kms:Decrypt"}
    assert granted(role_of(made), stack.resolve(secret.key_arn)) == with_the_key
    assert made.failure_bucket is (place if target == "bucket" else None)
    assert made.failure_queue is (place if target == "queue" else None)
    assert len(of_type(stack, "AWS::S3::Bucket")) == (target == "bucket"), "none of its own"


@BOTH
def test_the_consumer_is_granted_what_its_function_needs(stack: Stack, make: Make) -> None:
    made = make(stack)
    jobs = queue(stack, "Jobs")
    jobs.grant_send_messages(made)
    arn = {"Fn::GetAtt": [logical_id(jobs), "Arn"]}
    assert "sqs:SendMessage" in granted(role_of(made), arn)


# --- alarms ----------------------------------------------------------------------------------------------

ALARMS = {
    "iterator_age_alarm": ("IteratorAge", "Maximum", 900_000, 2, 3),
    "failed_records_alarm": ("OnFailureDestinationDeliveredEventCount", "Sum", 0, 1, 1),
    "delivery_alarm": ("DestinationDeliveryFailures", "Sum", 0, 1, 1),
    "throttles_alarm": ("Throttles", "Sum", 0, 2, 3),
}


@BOTH
@pytest.mark.parametrize("alarm", ALARMS)
def test_every_alarm_watches_its_metric_and_notifies_the_topic(stack: Stack, make: Make, alarm: str) -> None:
    mine = sns.Topic(stack, "Mine")
    made = make(stack, alarm_topic=mine)
    found = properties(getattr(made, alarm))
    assert (
        found["MetricName"],
        found["Statistic"],
        found["Threshold"],
        found["DatapointsToAlarm"],
        found["EvaluationPeriods"],
    ) == ALARMS[alarm]
    assert (found["Namespace"], found["Period"]) == ("AWS/Lambda", 60)
    assert found["ComparisonOperator"] == "GreaterThanThreshold"
    assert found["TreatMissingData"] == "notBreaching"
    assert found["AlarmActions"] == [{"Ref": logical_id(mine)}]
    assert made.alarm_topic is mine
    if alarm == "failed_records_alarm":
        (dimension,) = found["Dimensions"]
        uuid = {"Ref": logical_id(made.event_source_mapping)}
        assert dimension == {"Name": "EventSourceMappingUUID", "Value": uuid}
    else:
        worker = made.function.lambda_  # type: ignore[union-attr]
        qualified = {"Fn::Join": ["", [{"Ref": logical_id(worker)}, ":live"]]}
        assert {"Name": "Resource", "Value": qualified} in found["Dimensions"]


@BOTH
def test_the_alarm_on_errors_watches_their_share(stack: Stack, make: Make) -> None:
    found = properties(make(stack).errors_alarm)
    assert found["Threshold"] == 1
    names = {each["MetricStat"]["Metric"]["MetricName"] for each in found["Metrics"] if "MetricStat" in each}
    assert names == {"Errors", "Invocations"}


@BOTH
def test_a_topic_is_created_for_the_alarms(stack: Stack, make: Make) -> None:
    made = make(stack)
    for alarm in of_type(stack, "AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [{"Ref": logical_id(made.alarm_topic)}]
    assert len(of_type(stack, "AWS::CloudWatch::Alarm")) == 5


@BOTH
@pytest.mark.parametrize("counted", [True, False])
def test_failures_in_a_queue_are_alarmed_by_its_messages(stack: Stack, make: Make, counted: bool) -> None:
    place = queue(stack)
    made = make(stack, on_failure=place, event_count_metrics=counted)
    found = properties(made.failed_records_alarm)
    assert found["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert found["Dimensions"] == [
        {"Name": "QueueName", "Value": {"Fn::GetAtt": [logical_id(place), "QueueName"]}}
    ]
    assert found["TreatMissingData"] == "ignore"


@BOTH
@pytest.mark.parametrize("counted", [True, False])
def test_a_queue_of_another_account_is_alarmed_by_event_counts(app: App, make: Make, counted: bool) -> None:
    stack = Stack(app, "Ours", env=Environment(account="123456789012", region="us-east-1"))
    theirs = sqs.Queue.from_queue_arn(stack, "Theirs", "arn:aws:sqs:us-east-1:210987654321:failed")
    made = make(stack, on_failure=theirs, event_count_metrics=counted)
    assert (made.failed_records_alarm is not None) == counted
    if counted:
        metric = properties(made.failed_records_alarm)["MetricName"]
        assert metric == "OnFailureDestinationDeliveredEventCount"


@BOTH
@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ({}, 900),
        ({"max_record_age": Duration.minutes(10)}, 300),
        ({"iterator_age": Duration.minutes(3)}, 180),
        ({"max_record_age": Duration.minutes(10), "iterator_age": Duration.minutes(9)}, 540),
        ({"iterator_age": Duration.hours(11)}, 39_600),
    ],
)
def test_the_age_alarm_comes_before_records_are_given_up(
    stack: Stack, make: Make, arguments: dict[str, Duration], seconds: int
) -> None:
    assert properties(make(stack, **arguments).iterator_age_alarm)["Threshold"] == seconds * 1000


# --- warnings --------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("retries", "minutes", "warned"), [(5, 9, False), (5, 10, False), (5, 11, True), (6, 10, True)]
)
def test_retries_that_last_longer_than_the_record_age_are_warned_of(
    stack: Stack, make: Make, retries: int, minutes: int, warned: bool
) -> None:
    worker = function(stack, timeout=Duration.minutes(minutes))
    make(stack, function=worker, retry_attempts=retries, max_record_age=Duration.minutes(60))
    found = [each for each in warnings(stack) if "[ack: constructs-lib:retries-outlast-record-age]" in each]
    assert len(found) == warned
    if warned:
        assert f"{retries} retries of a function that may take {minutes * 60} seconds" in found[0]


@BOTH
def test_the_defaults_warn_of_nothing(stack: Stack, make: Make) -> None:
    make(stack)
    assert warnings(stack) == []


# --- redrive ---------------------------------------------------------------------------------------------


def variables(made: StreamConsumer) -> dict[str, Any]:
    found: dict[str, Any] = properties(made.redrive_function)["Environment"]["Variables"]
    return found


def role_of_redrive(made: StreamConsumer) -> Any:
    assert made.redrive_function is not None
    return made.redrive_function.role


def resources_of(made: StreamConsumer) -> list[Any]:
    """What the role of redrive may use, but for its traces and logs."""
    return [
        each["Resource"]
        for each in statements(role_of_redrive(made))
        if not str(each["Action"]).startswith(("['xray", "['logs"))
    ]


@BOTH
@pytest.mark.parametrize("yours", [False, True])
def test_redrive_from_a_bucket_may_use_the_objects_of_its_mapping_alone(
    stack: Stack, make: Make, yours: bool
) -> None:
    secret = key(stack)
    place = {"on_failure": bucket(stack, encryption_key=secret)} if yours else {"encryption_key": secret}
    called = live(stack)
    made = make(stack, function=called, redrive=True, **place)
    uuid = {"Ref": logical_id(made.event_source_mapping)}
    arn = {"Fn::GetAtt": [logical_id(made.failure_bucket), "Arn"]}
    objects = {"Fn::Join": ["", [arn, "/aws/lambda/", uuid, "/*"]]}
    secret_arn = {"Fn::GetAtt": [logical_id(secret), "Arn"]}
    role = role_of_redrive(made)
    assert granted(role, arn) == {"s3:ListBucket"}
    assert granted(role, objects) == {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    assert granted(role, secret_arn) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert granted(role, {"Ref": logical_id(called)}) == {"lambda:InvokeFunction"}
    assert len(resources_of(made)) == 4
    assert variables(made) == {
        "REDRIVE_FUNCTION": {"Ref": logical_id(called)},
        "REDRIVE_FUNCTION_SECONDS": "29",
        "REDRIVE_BUCKET": {"Ref": logical_id(made.failure_bucket)},
        "REDRIVE_PREFIX": {"Fn::Join": ["", ["aws/lambda/", uuid, "/"]]},
    }


@BOTH
def test_redrive_from_a_queue_may_read_the_stream_again(stack: Stack, make: Make) -> None:
    secret = key(stack)
    called = live(stack)
    place = queue(stack, encryption_key=secret)
    made = make(stack, function=called, on_failure=place, redrive=True)
    is_kinesis = isinstance(made, KinesisConsumer)
    source = made.stream if is_kinesis else made.table  # type: ignore[attr-defined]
    arn = {"Fn::GetAtt": [logical_id(source), "Arn" if is_kinesis else "StreamArn"]}
    role = role_of_redrive(made)
    assert granted(role, {"Fn::GetAtt": [logical_id(place), "Arn"]}) == {
        "sqs:ReceiveMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:SendMessage",
        "sqs:DeleteMessage",
    }
    service = "kinesis" if is_kinesis else "dynamodb"
    assert granted(role, arn) == {f"{service}:GetRecords", f"{service}:GetShardIterator"}
    assert granted(role, stack.resolve(secret.key_arn)) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert granted(role, {"Ref": logical_id(called)}) == {"lambda:InvokeFunction"}
    assert len(resources_of(made)) == 4
    assert variables(made) == {
        "REDRIVE_FUNCTION": {"Ref": logical_id(called)},
        "REDRIVE_FUNCTION_SECONDS": "29",
        "REDRIVE_QUEUE_URL": {"Ref": logical_id(place)},
        "REDRIVE_STREAM": arn,
    }


@BOTH
def test_the_package_of_redrive_is_one_file(stack: Stack, make: Make) -> None:
    made = make(stack, redrive=True)
    assert made.redrive_function is not None
    names = {path.name for path in made.redrive_function.package.path.rglob("*.py")}
    assert names == {"stream_redrive.py"}
    assert properties(made.redrive_function)["Handler"] == "stream_redrive.handle"
    assert properties(made.redrive_function)["Timeout"] == 900


@BOTH
def test_there_is_no_redrive_unless_asked_for(stack: Stack, make: Make) -> None:
    assert make(stack).redrive_function is None
    assert len(of_type(stack, "AWS::Lambda::Function")) == 1
