"""Every argument of every construct, and what none of them takes."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_events as events
from aws_cdk import aws_rds as rds
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs

from constructs_lib import (
    AppDashboard,
    AsyncDestinations,
    Authorization,
    BrokerConsumer,
    BucketEvents,
    ConcurrencyBudget,
    ContainerFunction,
    DsqlCluster,
    DurableExecutions,
    EdgeFunction,
    EventRule,
    FeatureFlags,
    FunctionEndpoint,
    IdempotencyTable,
    KafkaAuthentication,
    KafkaConsumer,
    KillSwitch,
    KinesisConsumer,
    LiveAlias,
    LoadBalancedFunction,
    LoadBalancerAuthentication,
    LongJob,
    ParametersAndSecrets,
    ProvisionedApi,
    ProxiedDatabase,
    PythonFunction,
    PythonLayer,
    QueueConsumer,
    Route,
    ScheduledInvocation,
    ServerlessCache,
    TableStreamConsumer,
    TopicSubscription,
    UsagePlan,
    UserPoolTriggers,
)
from tests.gallery.api import alias, certificate, client, user_pool
from tests.gallery.brokers import BROKER, CLUSTER, SERVERS, secret
from tests.gallery.durable import durable_live
from tests.gallery.edge import JAVASCRIPT
from tests.gallery.endpoint import bounded
from tests.gallery.feature_flags import alarm
from tests.gallery.load_balancer import OF_OIDC, client_secret, imported_listener, of_cognito
from tests.gallery.long_job import image, vpc
from tests.gallery.parameters_and_secrets import fees
from tests.gallery.parts import bucket, live, topic
from tests.gallery.plain_function import HANDLERS, SAMPLE_FUNCTIONS, function
from tests.gallery.streams import stream, table
from tests.gallery.user_pools import pool, quick

NEVER_RIGHT: Final[tuple[object, ...]] = (
    object(),
    float("nan"),
    float("inf"),
    -1,
    [3],
    {"a": 1},
    sqs.Queue,
)

Make = Callable[[object], object]
"""Makes the construct with a value in the place of one argument."""


def _names(of: Callable[..., object]) -> list[str]:
    names = inspect.signature(of).parameters
    return [name for name in names if name not in ("self", "scope", "construct_id")]


def _live_alias(name: str) -> Callable[[Stack], Make]:
    needed: dict[str, dict[str, Any]] = {
        "maximum_provisioned_concurrency": {"provisioned_concurrency": 1},
        "target_utilization": {"provisioned_concurrency": 1, "maximum_provisioned_concurrency": 5},
        "provisioned_concurrency_schedule": {"provisioned_concurrency": 1},
        "new_version_weight": {"stable_version": "7"},
    }

    def prepare(stack: Stack) -> Make:
        given: dict[str, Any] = {"function": function(stack)} | needed.get(name, {})
        return lambda value: LiveAlias(stack, "Refused", **(given | {name: value}))

    return prepare


def _api(name: str, *, http: bool) -> Callable[[Stack], Make]:
    def prepare(stack: Stack) -> Make:
        at_domain = {"domain_name": "api.example.com", "certificate": certificate(stack)}
        for_pages = {"cors_origins": ["https://a.example"]}
        needed: dict[str, Mapping[str, Any]] = {
            "usage_plans": {"api_key_required": True},
            "api_key_required": {"usage_plans": {"Plan": UsagePlan()}},
            "domain_name": at_domain,
            "base_path": at_domain,
            "certificate": at_domain,
            "hosted_zone": at_domain,
            "cors_headers": for_pages,
            "cors_credentials": for_pages,
        }
        given: dict[str, Any] = {
            "routes": {"GET /": alias(stack)},
            "authorization": Authorization.iam(),
            "http": http,
        }
        given |= needed.get(name, {}) if not (http and "api_key_required" in needed.get(name, {})) else {}
        return lambda value: ProvisionedApi(stack, "Refused", **(given | {name: value}))

    return prepare


def _route(name: str, *, http: bool) -> Callable[[Stack], Make]:
    def prepare(stack: Stack) -> Make:
        right: dict[str, Any] = {"alias": alias(stack)}
        return lambda value: ProvisionedApi(
            stack,
            "Refused",
            routes={"GET /": Route(**(right | {name: value}))},
            authorization=Authorization.iam(),
            http=http,
        )

    return prepare


def _kafka_of_other_brokers(name: str) -> Callable[[Stack], Make]:
    def prepare(stack: Stack) -> Make:
        given: dict[str, Any] = {
            "function": live(stack),
            "topic": "trips",
            "bootstrap_servers": SERVERS,
            "authentication": KafkaAuthentication.plain(secret(stack)),
            "minimum_pollers": 1,
        }
        return lambda value: KafkaConsumer(stack, "Refused", **(given | {name: value}))

    return prepare


def _kafka_authentication(choose: Callable[..., KafkaAuthentication]) -> Callable[[Stack], Make]:
    return lambda stack: lambda value: choose(secret=value)


_LOGINS: Final[dict[str, tuple[Callable[..., object], Callable[[Stack], dict[str, Any]]]]] = {
    "cognito": (LoadBalancerAuthentication.cognito, of_cognito),
    "oidc": (LoadBalancerAuthentication.oidc, lambda stack: OF_OIDC | {"client_secret": client_secret()}),
}


def _login(
    name: str, choose: Callable[..., object], given: Callable[[Stack], dict[str, Any]]
) -> Callable[[Stack], Make]:
    def prepare(stack: Stack) -> Make:
        right = given(stack)
        return lambda value: choose(**(right | {name: value}))

    return prepare


def _rule(name: str) -> Callable[[Stack], Make]:
    def prepare(stack: Stack) -> Make:
        given: dict[str, Any] = {
            "alias": live(stack),
            "listener": imported_listener(stack),
            "priority": 1,
            "conditions": [elbv2.ListenerCondition.path_patterns(["/x"])],
        }
        return lambda value: LoadBalancedFunction(stack, "Refused", **(given | {name: value}))

    return prepare


def _plan(name: str) -> Callable[[Stack], Make]:
    def prepare(stack: Stack) -> Make:
        live = alias(stack)
        right: dict[str, Any] = {"quota_limit": 5}
        return lambda value: ProvisionedApi(
            stack,
            "Refused",
            routes={"GET /": live},
            authorization=Authorization.iam(),
            api_key_required=True,
            usage_plans={"Plan": UsagePlan(**(right | {name: value}))},
        )

    return prepare


def _authorization(
    name: str, choose: Callable[..., Authorization], given: Callable[[Stack], dict[str, Any]]
) -> Callable[[Stack], Make]:
    def prepare(stack: Stack) -> Make:
        right = given(stack)
        return lambda value: choose(**(right | {name: value}))

    return prepare


_AUTHORIZATIONS: Final[dict[str, tuple[Callable[..., Authorization], Callable[[Stack], dict[str, Any]]]]] = {
    "cognito": (
        Authorization.cognito,
        lambda stack: {"user_pool": user_pool(stack), "clients": [client(stack)]},
    ),
    "jwt": (Authorization.jwt, lambda stack: {"issuer": "https://a.example/", "audience": ["trips"]}),
    "lambda_authorizer": (Authorization.lambda_authorizer, lambda stack: {"alias": alias(stack)}),
}

_OTHERS: Final[dict[Any, Callable[[Stack], dict[str, Any]]]] = {
    PythonFunction: lambda stack: {"entry": HANDLERS / "plain", "handler": "app.handle"},
    ContainerFunction: lambda stack: {"entry": HANDLERS / "container"},
    AppDashboard: lambda stack: {},
    IdempotencyTable: lambda stack: {},
    FeatureFlags: lambda stack: {"flags": {"express": False}, "rollback_alarms": [alarm(stack)]},
    ParametersAndSecrets: lambda stack: {"parameters": {"FEES": fees(stack)}},
    DsqlCluster: lambda stack: {},
    ServerlessCache: lambda stack: {"vpc": vpc(stack)},
    UserPoolTriggers: lambda stack: {"user_pool": pool(stack), "triggers": {"pre_sign_up": quick(stack)}},
    PythonLayer: lambda stack: {"entry": SAMPLE_FUNCTIONS / "complete_trip"},
    ProxiedDatabase: lambda stack: {
        "engine": rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17)
    },
    QueueConsumer: lambda stack: {"function": live(stack)},
    AsyncDestinations: lambda stack: {"function": live(stack)},
    DurableExecutions: lambda stack: {"function": durable_live(stack), "starter": True},
    BucketEvents: lambda stack: {"function": live(stack), "bucket": bucket(stack)},
    EventRule: lambda stack: {
        "function": live(stack),
        "event_pattern": events.EventPattern(source=["trips"]),
    },
    TopicSubscription: lambda stack: {"function": live(stack), "topic": topic(stack)},
    ScheduledInvocation: lambda stack: {
        "function": live(stack),
        "schedule": scheduler.ScheduleExpression.rate(Duration.hours(1)),
    },
    FunctionEndpoint: lambda stack: {
        "alias": bounded(stack),
        "authorization": Authorization.public(),
        "cloudfront": True,
    },
    EdgeFunction: lambda stack: {"event": "viewer-request", "code": JAVASCRIPT / "rewrite.js"},
    LoadBalancedFunction: lambda stack: {
        "alias": bounded(stack),
        "vpc": vpc(stack),
        "certificate": certificate(stack),
        "health_check_path": "/health",
    },
    ConcurrencyBudget: lambda stack: {},
    KillSwitch: lambda stack: {"function": function(stack), "invocations_per_minute": 100},
    LongJob: lambda stack: {"vpc": vpc(stack), "image": image(), "timeout": Duration.hours(2)},
    KinesisConsumer: lambda stack: {"function": live(stack), "stream": stream(stack)},
    TableStreamConsumer: lambda stack: {"function": live(stack), "table": table(stack)},
    KafkaConsumer: lambda stack: {
        "function": live(stack),
        "topic": "trips",
        "cluster_arn": CLUSTER,
        "authentication": KafkaAuthentication.iam(),
    },
    BrokerConsumer: lambda stack: {
        "function": live(stack),
        "broker_arn": BROKER,
        "engine": "RabbitMQ 3",
        "queue": "trips",
        "secret": secret(stack),
    },
}
_TAKES_ANY_MAPPING: Final = {(ScheduledInvocation, "event")}


def _other(construct: Any, name: str) -> Callable[[Stack], Make]:
    def prepare(stack: Stack) -> Make:
        given = _OTHERS[construct](stack)
        return lambda value: construct(stack, "Refused", **(given | {name: value}))

    return prepare


EVERY_ARGUMENT: Final[dict[str, Callable[[Stack], Make]]] = {
    **{f"LiveAlias {name}": _live_alias(name) for name in _names(LiveAlias.__init__)},
    **{
        f"ProvisionedApi {kind} {name}": _api(name, http=http)
        for kind, http in (("REST", False), ("HTTP", True))
        for name in _names(ProvisionedApi.__init__)
    },
    **{
        f"Route {kind} {name}": _route(name, http=http)
        for kind, http in (("REST", False), ("HTTP", True))
        for name in _names(Route)
    },
    **{
        f"{construct.__name__} {name}": _other(construct, name)
        for construct in _OTHERS
        for name in _names(construct.__init__)
        if (construct, name) not in _TAKES_ANY_MAPPING
    },
    **{
        f"KafkaConsumer of other brokers {name}": _kafka_of_other_brokers(name)
        for name in _names(KafkaConsumer.__init__)
    },
    **{
        f"KafkaAuthentication.{choose.__name__}": _kafka_authentication(choose)
        for choose in (
            KafkaAuthentication.scram_sha_512,
            KafkaAuthentication.scram_sha_256,
            KafkaAuthentication.plain,
            KafkaAuthentication.mtls,
        )
    },
    **{
        f"LoadBalancedFunction of a listener {name}": _rule(name)
        for name in ("listener", "priority", "conditions")
    },
    **{
        f"LoadBalancerAuthentication.{kind} {name}": _login(name, choose, given)
        for kind, (choose, given) in _LOGINS.items()
        for name in _names(choose)
    },
    **{f"UsagePlan {name}": _plan(name) for name in _names(UsagePlan)},
    **{
        f"Authorization.{kind} {name}": _authorization(name, choose, given)
        for kind, (choose, given) in _AUTHORIZATIONS.items()
        for name in _names(choose)
    },
}
"""A function for each argument; it takes a stack and returns what creates the construct with a wrong value."""
