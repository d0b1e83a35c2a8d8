"""AWS CDK constructs for Lambda that are correct by construction.

Importing this package loads no aws_cdk: each name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from constructs_lib.errors import InvalidPropsError

if TYPE_CHECKING:
    from constructs_lib.foundation.alarm_settings import AlarmSettings
    from constructs_lib.foundation.function.container_function import ContainerFunction
    from constructs_lib.foundation.function.durable import Durable
    from constructs_lib.foundation.function.managed_instances import ManagedInstances
    from constructs_lib.foundation.function.python_function import PythonFunction
    from constructs_lib.foundation.function.python_layer import PythonLayer
    from constructs_lib.patterns.api.authorization import Authorization
    from constructs_lib.patterns.api.function_endpoint import FunctionEndpoint
    from constructs_lib.patterns.api.provisioned_api import ProvisionedApi
    from constructs_lib.patterns.api.route import Route
    from constructs_lib.patterns.api.usage_plan import UsagePlan
    from constructs_lib.patterns.app_dashboard import AppDashboard
    from constructs_lib.patterns.async_destinations import AsyncDestinations
    from constructs_lib.patterns.broker_consumer import BrokerConsumer
    from constructs_lib.patterns.bucket_events import BucketEvents
    from constructs_lib.patterns.concurrency_budget import ConcurrencyBudget
    from constructs_lib.patterns.database.proxied_database import ProxiedDatabase
    from constructs_lib.patterns.dsql_cluster import DsqlCluster
    from constructs_lib.patterns.durable_executions import DurableExecutions
    from constructs_lib.patterns.edge.edge_function import EdgeFunction
    from constructs_lib.patterns.event_rule import EventRule
    from constructs_lib.patterns.feature_flags import FeatureFlags
    from constructs_lib.patterns.idempotency_table import IdempotencyTable
    from constructs_lib.patterns.kill_switch import KillSwitch
    from constructs_lib.patterns.live_alias import LiveAlias
    from constructs_lib.patterns.load_balancer.load_balanced_function import LoadBalancedFunction
    from constructs_lib.patterns.load_balancer.load_balancer_authentication import (
        LoadBalancerAuthentication,
    )
    from constructs_lib.patterns.long_job import LongJob
    from constructs_lib.patterns.parameters_and_secrets import ParametersAndSecrets
    from constructs_lib.patterns.queue_consumer import QueueConsumer
    from constructs_lib.patterns.scheduled_invocation import ScheduledInvocation
    from constructs_lib.patterns.serverless_cache import ServerlessCache
    from constructs_lib.patterns.streams.kafka_authentication import KafkaAuthentication
    from constructs_lib.patterns.streams.kafka_consumer import KafkaConsumer
    from constructs_lib.patterns.streams.kinesis_consumer import KinesisConsumer
    from constructs_lib.patterns.streams.table_stream_consumer import TableStreamConsumer
    from constructs_lib.patterns.topic_subscription import TopicSubscription
    from constructs_lib.patterns.user_pool_triggers import UserPoolTriggers

__all__ = [
    "AlarmSettings",
    "AppDashboard",
    "AsyncDestinations",
    "Authorization",
    "BrokerConsumer",
    "BucketEvents",
    "ConcurrencyBudget",
    "ContainerFunction",
    "DsqlCluster",
    "Durable",
    "DurableExecutions",
    "EdgeFunction",
    "EventRule",
    "FeatureFlags",
    "FunctionEndpoint",
    "IdempotencyTable",
    "InvalidPropsError",
    "KafkaAuthentication",
    "KafkaConsumer",
    "KillSwitch",
    "KinesisConsumer",
    "LiveAlias",
    "LoadBalancedFunction",
    "LoadBalancerAuthentication",
    "LongJob",
    "ManagedInstances",
    "ParametersAndSecrets",
    "ProvisionedApi",
    "ProxiedDatabase",
    "PythonFunction",
    "PythonLayer",
    "QueueConsumer",
    "Route",
    "ScheduledInvocation",
    "ServerlessCache",
    "TableStreamConsumer",
    "TopicSubscription",
    "UsagePlan",
    "UserPoolTriggers",
]

_HOMES = {
    "AlarmSettings": "constructs_lib.foundation.alarm_settings",
    "AppDashboard": "constructs_lib.patterns.app_dashboard",
    "AsyncDestinations": "constructs_lib.patterns.async_destinations",
    "Authorization": "constructs_lib.patterns.api.authorization",
    "BrokerConsumer": "constructs_lib.patterns.broker_consumer",
    "BucketEvents": "constructs_lib.patterns.bucket_events",
    "ConcurrencyBudget": "constructs_lib.patterns.concurrency_budget",
    "ContainerFunction": "constructs_lib.foundation.function.container_function",
    "DsqlCluster": "constructs_lib.patterns.dsql_cluster",
    "Durable": "constructs_lib.foundation.function.durable",
    "DurableExecutions": "constructs_lib.patterns.durable_executions",
    "EdgeFunction": "constructs_lib.patterns.edge.edge_function",
    "EventRule": "constructs_lib.patterns.event_rule",
    "FeatureFlags": "constructs_lib.patterns.feature_flags",
    "FunctionEndpoint": "constructs_lib.patterns.api.function_endpoint",
    "IdempotencyTable": "constructs_lib.patterns.idempotency_table",
    "KafkaAuthentication": "constructs_lib.patterns.streams.kafka_authentication",
    "KafkaConsumer": "constructs_lib.patterns.streams.kafka_consumer",
    "KillSwitch": "constructs_lib.patterns.kill_switch",
    "KinesisConsumer": "constructs_lib.patterns.streams.kinesis_consumer",
    "LiveAlias": "constructs_lib.patterns.live_alias",
    "LoadBalancedFunction": "constructs_lib.patterns.load_balancer.load_balanced_function",
    "LoadBalancerAuthentication": "constructs_lib.patterns.load_balancer.load_balancer_authentication",
    "LongJob": "constructs_lib.patterns.long_job",
    "ManagedInstances": "constructs_lib.foundation.function.managed_instances",
    "ParametersAndSecrets": "constructs_lib.patterns.parameters_and_secrets",
    "ProvisionedApi": "constructs_lib.patterns.api.provisioned_api",
    "ProxiedDatabase": "constructs_lib.patterns.database.proxied_database",
    "PythonFunction": "constructs_lib.foundation.function.python_function",
    "PythonLayer": "constructs_lib.foundation.function.python_layer",
    "QueueConsumer": "constructs_lib.patterns.queue_consumer",
    "Route": "constructs_lib.patterns.api.route",
    "ScheduledInvocation": "constructs_lib.patterns.scheduled_invocation",
    "ServerlessCache": "constructs_lib.patterns.serverless_cache",
    "TableStreamConsumer": "constructs_lib.patterns.streams.table_stream_consumer",
    "TopicSubscription": "constructs_lib.patterns.topic_subscription",
    "UsagePlan": "constructs_lib.patterns.api.usage_plan",
    "UserPoolTriggers": "constructs_lib.patterns.user_pool_triggers",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
