"""Functions that are called in fewer ways than others: what Lambda refuses, or loses events of, is refused at synth."""

from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from constructs_lib import (
    InvalidPropsError,
    LiveAlias,
    ManagedInstances,
    QueueConsumer,
)
from tests.gallery.function import provider
from tests.gallery.plain_function import function
from tests.invocations import APIS, MAKE, accepts, alias, plain, unqualified, version
from tests.template import properties


def durable(stack: Stack, execution: Duration | None = None) -> lambda_.Function:
    config = lambda_.DurableConfig(execution_timeout=execution or Duration.minutes(10))
    return plain(stack, durable_config=config)


def durable_for_an_hour(stack: Stack) -> lambda_.Function:
    return durable(stack, Duration.hours(1))


def durable_for_nobody_knows(stack: Stack) -> lambda_.Function:
    return durable(stack, Duration.seconds(Token.as_number({"Ref": "Seconds"})))


def tenants(stack: Stack) -> lambda_.Function:
    return plain(stack, tenancy_config=lambda_.TenancyConfig.PER_TENANT)


def managed(stack: Stack) -> lambda_.Function:
    vpc = ec2.Vpc(stack, "Vpc")
    provider = lambda_.CapacityProvider(
        stack,
        "Provider",
        subnets=vpc.private_subnets,
        security_groups=[ec2.SecurityGroup(stack, "Group", vpc=vpc)],
    )
    worker = plain(stack)
    provider.add_function(worker)
    return worker


def published(stack: Stack) -> lambda_.Function:
    """A function of this library, which publishes nothing at `$LATEST.PUBLISHED`."""
    instances = ManagedInstances(capacity_provider=provider(stack))
    return function(stack, "Worker", managed_instances=instances, timeout=Duration.seconds(5))


def published_for_90_minutes(stack: Stack) -> lambda_.Function:
    instances = ManagedInstances(capacity_provider=provider(stack))
    return function(stack, "Worker", managed_instances=instances, timeout=Duration.minutes(90))


MAPPINGS = ("QueueConsumer", "KinesisConsumer", "TableStreamConsumer", "KafkaConsumer", "BrokerConsumer")
SOURCES = {*MAPPINGS, "EventRule", "BucketEvents", "TopicSubscription", "ScheduledInvocation"}

TENANT = "has tenant isolation: Lambda refuses each call without a tenant"
QUALIFIER = "is a durable function, and Lambda refuses a call of it without a qualifier"
VERSIONS = "Stack/Worker is on managed instances, which run published versions alone"
NO_DESTINATIONS = "is a durable function, which has no destinations"
NOT_DURABLE = "function must be an alias or version of a durable function of this app, got Stack/Worker."
CONCURRENCY = "provisioned_concurrency cannot be given for function Stack/Worker, which"

REFUSED: dict[tuple[Any, Any], dict[str, str]] = {
    (durable, unqualified): {
        **dict.fromkeys(SOURCES | {"a target of AsyncDestinations", "a hook of LiveAlias"}, QUALIFIER),
        "AsyncDestinations": NO_DESTINATIONS,
        "AsyncDestinations with redrive": NO_DESTINATIONS,
        "LiveAlias that deletes versions": "version_removal_policy cannot be DESTROY for the durable function",
        "DurableExecutions": QUALIFIER,
    },
    (durable, alias): {
        "AsyncDestinations": NO_DESTINATIONS,
        "AsyncDestinations with redrive": NO_DESTINATIONS,
        "ProvisionedApi": "of the durable function Stack/Worker, behind routes['GET /x'], must be at most 29 seconds",
        "UserPoolTriggers": "must be at most 5 seconds, got 600",
    },
    (durable, version): {
        "AsyncDestinations": NO_DESTINATIONS,
        "AsyncDestinations with redrive": NO_DESTINATIONS,
    },
    (durable_for_an_hour, alias): {
        **dict.fromkeys(
            MAPPINGS, "an event source mapping waits for the whole execution, and no longer. Start longer"
        ),
        "AsyncDestinations": NO_DESTINATIONS,
        "AsyncDestinations with redrive": NO_DESTINATIONS,
        "FunctionEndpoint": "must be at most 900 seconds, got 3,600: nobody can wait longer for an answer",
        "LoadBalancedFunction": "must be at most 900 seconds behind a load balancer, got 3,600",
        "ProvisionedApi": "behind routes['GET /x'], must be at most 29 seconds, got 3,600",
        "UserPoolTriggers": "must be at most 5 seconds, got 3600",
    },
    (durable_for_nobody_knows, alias): {
        "AsyncDestinations": NO_DESTINATIONS,
        "AsyncDestinations with redrive": NO_DESTINATIONS,
        "QueueConsumer": "visibility_timeout is required when the",
    },
    (tenants, unqualified): {
        **dict.fromkeys(SOURCES | {"a target of AsyncDestinations", "a hook of LiveAlias"}, TENANT),
        "AsyncDestinations with redrive": "redrive cannot be combined with tenant isolation",
        "LiveAlias with provisioned concurrency": CONCURRENCY,
        "DurableExecutions": NOT_DURABLE,
    },
    (tenants, alias): {
        "DurableExecutions": NOT_DURABLE,
        **dict.fromkeys(SOURCES | APIS | {"a target of AsyncDestinations", "a hook of LiveAlias"}, TENANT),
        "AsyncDestinations with redrive": "redrive cannot be combined with tenant isolation",
    },
    (tenants, version): {
        "DurableExecutions": NOT_DURABLE,
        **dict.fromkeys(SOURCES | {"a target of AsyncDestinations", "a hook of LiveAlias"}, TENANT),
        "AsyncDestinations with redrive": "redrive cannot be combined with tenant isolation",
    },
    (managed, unqualified): {
        "AsyncDestinations": "reaches $LATEST.PUBLISHED, and not the destinations of $LATEST",
        "AsyncDestinations with redrive": "reaches $LATEST.PUBLISHED, and not the destinations of $LATEST",
        "KillSwitch": "is on managed instances, which scale by a scaling configuration",
        "LiveAlias with provisioned concurrency": CONCURRENCY,
        "DurableExecutions": NOT_DURABLE,
    },
    **{
        (kind, what): {
            "KillSwitch": "is on managed instances, which scale by a scaling configuration",
            "DurableExecutions": NOT_DURABLE,
        }
        for kind in (managed, published)
        for what in (alias, version)
    },
    (published, unqualified): {
        **dict.fromkeys(SOURCES | {"a target of AsyncDestinations", "a hook of LiveAlias"}, VERSIONS),
        "AsyncDestinations": "reaches $LATEST.PUBLISHED, and not the destinations of $LATEST",
        "AsyncDestinations with redrive": "reaches $LATEST.PUBLISHED, and not the destinations of $LATEST",
        "KillSwitch": "is on managed instances, which scale by a scaling configuration",
        "LiveAlias with provisioned concurrency": CONCURRENCY,
        "DurableExecutions": NOT_DURABLE,
    },
    (published_for_90_minutes, alias): {
        "BrokerConsumer": "must be at most 900 seconds here, got 5,400",
        "FunctionEndpoint": "must be at most 900 seconds for its callers at a URL, got 5,400",
        "LoadBalancedFunction": "must be at most 900 seconds behind a load balancer, got 5,400",
        "ProvisionedApi": "must be at most the integration's 29 seconds, got 5400",
        "UserPoolTriggers": "must be at most 5 seconds, got 5400",
        "KillSwitch": "is on managed instances, which scale by a scaling configuration",
        "DurableExecutions": NOT_DURABLE,
    },
}
"""The constructs that refuse a kind of function and how, by that kind and by what is passed."""


@pytest.mark.parametrize(
    ("kind", "what", "made"),
    [(kind, what, made) for kind, what in REFUSED for made in MAKE if accepts(made, what)],
    ids=lambda given: getattr(given, "__name__", given),
)
def test_what_lambda_refuses_is_refused(stack: Stack, kind: Any, what: Any, made: str) -> None:
    given = what(kind(stack))
    message = REFUSED[kind, what].get(made)
    if message is None:
        MAKE[made](stack, given)
        return
    with pytest.raises(InvalidPropsError) as error:
        MAKE[made](stack, given)
    assert message in str(error.value)
    assert "See https://docs.aws.amazon.com/" in str(error.value)
    assert stack.node.try_find_child("Made") is None


# --- durable functions behind a mapping ------------------------------------------------------------------


def test_the_mapping_waits_for_the_whole_execution(stack: Stack) -> None:
    consumer = QueueConsumer(stack, "Made", function=alias(durable(stack, Duration.minutes(10))))
    assert properties(consumer.queue)["VisibilityTimeout"] == 6 * 600


@pytest.mark.parametrize(
    ("make", "minutes"),
    [(durable, 16), (lambda stack, execution: managed_and_durable(stack, execution), 91)],
    ids=["default", "managed instances"],
)
@pytest.mark.parametrize("made", MAPPINGS)
def test_no_mapping_waits_longer_than_a_function_may_run(
    stack: Stack, made: str, make: Any, minutes: int
) -> None:
    given = alias(make(stack, Duration.minutes(minutes)))
    with pytest.raises(InvalidPropsError, match=rf"must be at most [\d,]+ seconds, got {minutes * 60:,}"):
        MAKE[made](stack, given)
    assert stack.node.try_find_child("Made") is None


def managed_and_durable(stack: Stack, execution: Duration) -> lambda_.Function:
    worker = managed(stack)
    resource = worker.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    resource.durable_config = lambda_.CfnFunction.DurableConfigProperty(
        execution_timeout=execution.to_seconds(), retention_period_in_days=14
    )
    return worker


# --- managed instances -------------------------------------------------------------------------------------


def test_no_version_of_managed_instances_costs_after_the_next_one(stack: Stack) -> None:
    release = LiveAlias(stack, "Made", function=published(stack))
    assert template_of(release.version)["DeletionPolicy"] == "Delete"


def test_a_version_of_a_durable_function_on_managed_instances_stays(stack: Stack) -> None:
    release = LiveAlias(stack, "Made", function=managed_and_durable(stack, Duration.minutes(10)))
    assert template_of(release.version)["DeletionPolicy"] == "RetainExceptOnCreate"


def template_of(version: lambda_.Version) -> Any:
    resource = version.node.default_child
    assert isinstance(resource, lambda_.CfnVersion)
    return Template.from_stack(Stack.of(version)).to_json()["Resources"][
        Stack.of(version).resolve(resource.logical_id)
    ]


def test_alarms_look_back_as_long_as_an_invocation_takes(stack: Stack) -> None:
    consumer = QueueConsumer(stack, "Made", function=alias(published_for_90_minutes(stack)))
    assert properties(consumer.errors_alarm)["EvaluationPeriods"] == 3 + 90


# --- imported functions ----------------------------------------------------------------------------------

ARN = "arn:aws:lambda:us-east-1:123456789012:function:theirs"
PUSHED = ("EventRule", "BucketEvents", "TopicSubscription")


def by_arn(stack: Stack) -> lambda_.IFunction:
    return lambda_.Function.from_function_arn(stack, "Theirs", ARN)


def of_the_same_environment(stack: Stack) -> lambda_.IFunction:
    return lambda_.Function.from_function_attributes(stack, "Theirs", function_arn=ARN, same_environment=True)


def test_an_imported_function_may_have_tenants(stack: Stack) -> None:
    imported = lambda_.Function.from_function_attributes(
        stack,
        "Theirs",
        function_arn=ARN,
        same_environment=True,
        tenancy_config=lambda_.TenancyConfig.PER_TENANT,
    )
    with pytest.raises(InvalidPropsError, match=TENANT):
        MAKE["EventRule"](stack, imported)


@pytest.mark.parametrize("made", PUSHED)
def test_a_function_that_would_get_no_permission_is_refused(stack: Stack, made: str) -> None:
    """CDK leaves the permission out where the account of the stack is not known."""
    with pytest.raises(InvalidPropsError, match=r"would add no permission .* same_environment=True"):
        MAKE[made](stack, by_arn(stack))
    assert stack.node.try_find_child("Made") is None


@pytest.mark.parametrize("made", PUSHED)
def test_an_imported_function_of_this_account_is_called(app: App, made: str) -> None:
    known = Stack(app, "Known", env=Environment(account="123456789012", region="us-east-1"))
    MAKE[made](known, by_arn(known))
    unknown = Stack(app, "Unknown")
    MAKE[made](unknown, of_the_same_environment(unknown))
    app.synth()
