"""The limits: each one that an argument can break is one line, of what is given and what the error must say.

test_limits.py walks them all. One file a construct.
"""

from typing import Final

from tests.limits.api import API_LIMITS
from tests.limits.brokers import BROKER_LIMITS, KAFKA_LIMITS
from tests.limits.cache import CACHE_LIMITS
from tests.limits.concurrency import CONCURRENCY_BUDGET_LIMITS
from tests.limits.container import CONTAINER_LIMITS
from tests.limits.dashboard import DASHBOARD_LIMITS
from tests.limits.database import DATABASE_LIMITS
from tests.limits.destinations import DESTINATIONS_LIMITS
from tests.limits.dsql import DSQL_LIMITS
from tests.limits.durable import DURABLE_LIMITS
from tests.limits.edge import EDGE_LIMITS, LAMBDA_AT_EDGE_LIMITS
from tests.limits.endpoint import ENDPOINT_LIMITS
from tests.limits.event_sources import BUCKET_LIMITS, RULE_LIMITS, SCHEDULE_LIMITS, TOPIC_LIMITS
from tests.limits.feature_flags import FEATURE_FLAGS_LIMITS
from tests.limits.function import FUNCTION_LIMITS
from tests.limits.idempotency import IDEMPOTENCY_LIMITS
from tests.limits.kill_switch import KILL_SWITCH_LIMITS
from tests.limits.layer import LAYER_LIMITS
from tests.limits.load_balancer import LOAD_BALANCER_LIMITS
from tests.limits.long_job import LONG_JOB_LIMITS
from tests.limits.parameters_and_secrets import PARAMETERS_AND_SECRETS_LIMITS
from tests.limits.queue import QUEUE_LIMITS
from tests.limits.release import RELEASE_LIMITS, SNAP_START_LIMITS
from tests.limits.streams import KINESIS_LIMITS, TABLE_STREAM_LIMITS
from tests.limits.table import Limits
from tests.limits.user_pools import TRIGGER_LIMITS

ALL: Final[tuple[Limits, ...]] = (
    FUNCTION_LIMITS,
    CONTAINER_LIMITS,
    LAYER_LIMITS,
    QUEUE_LIMITS,
    DATABASE_LIMITS,
    RELEASE_LIMITS,
    SNAP_START_LIMITS,
    API_LIMITS,
    ENDPOINT_LIMITS,
    EDGE_LIMITS,
    LAMBDA_AT_EDGE_LIMITS,
    LOAD_BALANCER_LIMITS,
    DESTINATIONS_LIMITS,
    DURABLE_LIMITS,
    DASHBOARD_LIMITS,
    IDEMPOTENCY_LIMITS,
    PARAMETERS_AND_SECRETS_LIMITS,
    FEATURE_FLAGS_LIMITS,
    DSQL_LIMITS,
    CACHE_LIMITS,
    TRIGGER_LIMITS,
    BUCKET_LIMITS,
    RULE_LIMITS,
    TOPIC_LIMITS,
    SCHEDULE_LIMITS,
    KILL_SWITCH_LIMITS,
    LONG_JOB_LIMITS,
    CONCURRENCY_BUDGET_LIMITS,
    KINESIS_LIMITS,
    TABLE_STREAM_LIMITS,
    KAFKA_LIMITS,
    BROKER_LIMITS,
)
