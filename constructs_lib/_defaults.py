"""Every opinion and every limit: one constant, one reason, one source.

Plain numbers with their unit in the name, so that whatever reads them needs no aws_cdk: a construct sets
them, the check of an argument guards them, and a rule over templates can hold any template to them.
"""

from typing import Final

_LAMBDA: Final = "https://docs.aws.amazon.com/lambda/latest/dg/"
_RDS: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/"
_SQS: Final = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"

# --- Lambda functions ---------------------------------------------------------------------------------

LAMBDA_QUOTAS: Final = _LAMBDA + "gettingstarted-limits.html"

FUNCTION_TIMEOUT_SECONDS_MIN: Final = 1
FUNCTION_TIMEOUT_SECONDS_MAX: Final = 900
"""Lambda's hard limit for functions that are not on managed instances (LAMBDA_QUOTAS)."""

FUNCTION_TIMEOUT_SECONDS: Final = 30
"""Long enough for a batch of ten small messages, short enough that a hung call is seen. CDK's own default
of 3 s is below one retry of an AWS SDK call."""

FUNCTION_TIMEOUT_SECONDS_WHEN_UNSET: Final = 3
"""What Lambda takes when a template says nothing (LAMBDA_QUOTAS)."""

FUNCTION_MEMORY_MB_MIN: Final = 128
FUNCTION_MEMORY_MB_MAX: Final = 10_240
"""Hard limits (LAMBDA_QUOTAS). CDK accepts 64 and 20,480."""

FUNCTION_MEMORY_MB: Final = 512
"""CPU comes with memory; at 128 MB, Lambda's default, importing an SDK takes seconds.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""

ENVIRONMENT_BYTES_MAX: Final = 4096
"""All names and values of a function's environment together (LAMBDA_QUOTAS)."""

LAYERS_MAX: Final = 5
"""Layers of one function (LAMBDA_QUOTAS)."""

EPHEMERAL_STORAGE_MB_MIN: Final = 512
EPHEMERAL_STORAGE_MB_MAX: Final = 10_240
"""Of the scratch disk (LAMBDA_QUOTAS)."""

PACKAGE_UNZIPPED_BYTES_MAX: Final = 250 * 1024 * 1024
"""A function's package and its layers together, as Lambda counts: 262,144,000 bytes (LAMBDA_QUOTAS)."""

PACKAGE_ZIPPED_MB_MAX: Final = 50
"""What the Lambda API takes directly (LAMBDA_QUOTAS). The CDK uploads through S3, where a larger archive
passes; it is still downloaded at every cold start, so passing this is a decision and not an accident."""

PYTHON_RUNTIMES: Final = ("python3.11", "python3.12", "python3.13", "python3.14")
"""Not deprecated today (3.10 has been since 2026-10-31).
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""

PYTHON_RUNTIMES_SUPPORTED_LONGEST: Final = ("python3.13", "python3.14")
"""Both until 2029-06-30 (the same page)."""

LOG_RETENTION_DAYS: Final = 60
"""Lambda's own log group keeps everything for ever, at a price that grows for ever. Two months outlast an
incident and its review. Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"""

RESERVED_CONCURRENCY_MIN: Final = 0
"""0 turns a function off (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html)."""

LAMBDA_VPC: Final = _LAMBDA + "configuration-vpc.html"

NETWORK_INTERFACE_ACTIONS: Final = (
    "CreateNetworkInterface",
    "DescribeNetworkInterfaces",
    "DescribeSubnets",
    "DeleteNetworkInterface",
    "AssignPrivateIpAddresses",
    "UnassignPrivateIpAddresses",
)
"""What Lambda does in EC2, with the role of the function, to join a VPC (LAMBDA_VPC)."""

FUNCTION_SECURITY_GROUPS_MAX: Final = 5
FUNCTION_SUBNETS_MAX: Final = 16
"""Of one function.
Source: https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html"""

# --- SQS queues ---------------------------------------------------------------------------------------

SQS_QUOTAS: Final = _SQS + "quotas-messages.html"
SQS_RETRIES: Final = _LAMBDA + "sqs-retries.html"
SQS_CONFIGURE: Final = _LAMBDA + "services-sqs-configure.html"
SQS_PARAMETERS: Final = _LAMBDA + "services-sqs-parameters.html"
SQS_SCALING: Final = _LAMBDA + "services-sqs-scaling.html"
SQS_FILTERING: Final = _LAMBDA + "invocation-eventfiltering.html"
SQS_DEAD_LETTER: Final = _SQS + "sqs-dead-letter-queues.html"
SQS_DEAD_LETTER_RETENTION: Final = _SQS + "setting-up-dead-letter-queue-retention.html"

VISIBILITY_TIMEOUT_FACTOR: Final = 6
"""Visibility timeout in function timeouts: leaves room for Lambda's own retries when it is throttled, before
the message shows up a second time (SQS_CONFIGURE). The batching window is added: it is spent first."""

VISIBILITY_TIMEOUT_SECONDS_WHEN_UNSET: Final = 30
"""What SQS takes when a template says nothing (SQS_QUOTAS)."""

VISIBILITY_TIMEOUT_SECONDS_MAX: Final = 43_200
"""12 hours (SQS_QUOTAS)."""

RETENTION_SECONDS_MIN: Final = 60
RETENTION_SECONDS_MAX: Final = 1_209_600
"""1 minute to 14 days (SQS_QUOTAS)."""

RETENTION_SECONDS: Final = 345_600
"""4 days, SQS's own default; below the dead-letter queue's."""

DEAD_LETTER_RETENTION_SECONDS: Final = 1_209_600
"""14 days, the most SQS keeps: a dead letter keeps its first sending time, so days spent in the source count
(SQS_DEAD_LETTER_RETENTION)."""

MAX_RECEIVE_COUNT: Final = 5
MAX_RECEIVE_COUNT_MIN: Final = 5
"""Fewer, and throttling alone sends good messages to the dead-letter queue (SQS_RETRIES)."""
MAX_RECEIVE_COUNT_MAX: Final = 1000
"""SQS_DEAD_LETTER."""

BATCH_SIZE: Final = 10
BATCH_SIZE_MAX: Final = 10_000
BATCH_SIZE_FIFO_MAX: Final = 10
BATCH_SIZE_WITHOUT_WINDOW_MAX: Final = 10
"""SQS_PARAMETERS; above 10 a batching window of at least a second is required."""

BATCHING_WINDOW_SECONDS_MAX: Final = 300
"""SQS_PARAMETERS; a FIFO queue takes no window at all."""

MAX_CONCURRENCY_MIN: Final = 2
MAX_CONCURRENCY_MAX: Final = 1000
"""SQS_SCALING. CDK drops a 0 without a word."""

MINIMUM_POLLERS_MIN: Final = 2
MINIMUM_POLLERS_MAX: Final = 200
MAXIMUM_POLLERS_MIN: Final = 2
MAXIMUM_POLLERS_MAX: Final = 2000
"""SQS_PARAMETERS. CloudFormation's schema of 2026-10 allows 10,000; the page and CDK do not."""

FILTERS_MAX: Final = 5
"""Patterns of one event source mapping, before a quota increase (SQS_FILTERING)."""

OLDEST_MESSAGE_ALARM_SECONDS: Final = 900
"""Work that has waited a quarter of an hour is late for any queue that somebody is waiting on. AWS names the
metric, not a number; this one is ours.
Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"""

# --- VPC ----------------------------------------------------------------------------------------------

VPC_CIDR: Final = "10.0.0.0/16"
SUBNET_MASK: Final = 22
"""A thousand addresses in each subnet: functions of one security group share addresses, endpoints and proxies
take a few. Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"""

AVAILABILITY_ZONES: Final = 2
AVAILABILITY_ZONES_MIN: Final = 2
"""RDS Proxy and a DB subnet group want two (RDS_PROXY_NETWORK)."""

# --- Databases ----------------------------------------------------------------------------------------

RDS_PROXY: Final = _RDS + "rds-proxy.html"
RDS_PROXY_NETWORK: Final = _RDS + "rds-proxy-network-prereqs.html"
RDS_PROXY_CONNECTIONS: Final = _RDS + "rds-proxy-connections.html"

PROXY_PORT: Final = {"postgres": 5432, "mysql": 3306}
"""Where RDS Proxy listens, whatever the port of the database behind it is (RDS_PROXY, limitations)."""

PROXY_NAME_LENGTH_MAX: Final = 60
"""Longer ones are cut off in metrics and logs (RDS_PROXY)."""

DATABASE_NAME: Final = "app"
APPLICATION_USER: Final = "app"
MASTER_USER: Final = {"postgres": "postgres", "mysql": "admin"}
"""What RDS itself suggests."""

DATABASE_PARAMETERS: Final = {
    "postgres": {"rds.force_ssl": "1"},
    "mysql": {"require_secure_transport": "ON", "slow_query_log": "1", "log_output": "FILE"},
}
"""TLS or no connection. MySQL writes slow queries only when told to, and exports only files.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html"""

DATABASE_LOGS: Final = {"postgres": ("postgresql",), "mysql": ("error", "slowquery")}
"""What is sent to CloudWatch Logs: errors and slow queries, not each query."""

PASSWORD_WITHOUT: Final = " %+~`#$&*()|[]{}:;<>?!'/@\"\\"
PASSWORD_LENGTH: Final = 32
"""No character that some driver, URL or shell takes for its own; the length makes up for them."""

ROTATION_DAYS: Final = 30
BACKUP_RETENTION_DAYS: Final = 7
STORAGE_GIB: Final = 20
MAX_STORAGE_GIB: Final = 100
MIN_CAPACITY_ACU: Final = 0.5
MAX_CAPACITY_ACU: Final = 4

MAX_CONNECTIONS_PERCENT: Final = 90
MAX_IDLE_CONNECTIONS_PERCENT: Final = 50
BORROW_TIMEOUT_SECONDS: Final = 10
IDLE_CLIENT_TIMEOUT_SECONDS: Final = 1800

# --- Alarms -------------------------------------------------------------------------------------------

ALARM_PERIOD_SECONDS: Final = 60
ALARM_EVALUATION_PERIODS: Final = 3
ALARM_DATAPOINTS: Final = 2
"""Two bad minutes in three: a blip does not wake anybody, a fault does.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html"""

ERROR_RATE_PERCENT: Final = 1
"""Failed invocations in a hundred (the same page, Lambda)."""
