"""Every opinion and every limit: one constant, one reason, one source.

Plain numbers with their unit in the name, so that whatever reads them needs no aws_cdk: a construct sets
them, the check of an argument guards them, and a rule over templates can hold any template to them.
"""

from typing import Final, Literal

_LAMBDA: Final = "https://docs.aws.amazon.com/lambda/latest/dg/"
_AURORA: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/"
_VPC: Final = "https://docs.aws.amazon.com/vpc/latest/userguide/"
_RDS: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/"
_CACHE: Final = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/"
_DSQL: Final = "https://docs.aws.amazon.com/aurora-dsql/latest/userguide/"
_SQS: Final = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"

# --- Lambda functions ---------------------------------------------------------------------------------

LAMBDA_QUOTAS: Final = _LAMBDA + "gettingstarted-limits.html"

FUNCTION_TIMEOUT_SECONDS_MIN: Final = 1
FUNCTION_TIMEOUT_SECONDS_MAX: Final = 900
"""Lambda's hard limit for functions that are not on managed instances (LAMBDA_QUOTAS)."""

FUNCTION_TIMEOUT_SECONDS: Final = 29
"""What a REST API waits for a function (REST_INTEGRATION_TIMEOUT_SECONDS), so that the default function may stand
behind each source; long enough for a batch of ten small messages, short enough that a hung call is seen. CDK's own
default of 3 s is below one retry of an AWS SDK call."""

FUNCTION_TIMEOUT_SECONDS_WHEN_UNSET: Final = 3
"""What Lambda takes when a template says nothing (LAMBDA_QUOTAS)."""

FUNCTION_MEMORY_MB_MIN: Final = 128
FUNCTION_MEMORY_MB_MAX: Final = 10_240
"""Hard limits (LAMBDA_QUOTAS). CDK accepts 64 and 20,480."""

FUNCTION_MEMORY_MB: Final = 512
"""CPU comes with memory; at 128 MB, Lambda's default, importing an SDK takes seconds.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""

FUNCTION_NAME_PATTERN: Final = "[a-zA-Z0-9-_]{1,64}"
FUNCTION_DESCRIPTION_CHARACTERS_MAX: Final = 256
CREATE_FUNCTION: Final = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"
"""The page of both."""

VARIABLE_NAME_PATTERN: Final = "[a-zA-Z][a-zA-Z0-9_]+"
RESERVED_VARIABLES: Final = frozenset(
    ("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
     "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
     "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
     "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
     "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR")
)  # fmt: skip
"""Names of variables, and those that Lambda sets itself (LAMBDA_ENVIRONMENT)."""

ENVIRONMENT_BYTES_MAX: Final = 4096
"""All names and values of a function's environment together (LAMBDA_QUOTAS)."""

LAYERS_MAX: Final = 5
"""Layers of one function (LAMBDA_QUOTAS)."""

EPHEMERAL_STORAGE_MB_MIN: Final = 512
EPHEMERAL_STORAGE_MB_MAX: Final = 10_240
"""The most that the scratch disk can have (LAMBDA_QUOTAS)."""

PACKAGE_UNZIPPED_BYTES_MAX: Final = 250 * 1024 * 1024
"""A function's package and its layers together, as Lambda counts: 262,144,000 bytes (LAMBDA_QUOTAS)."""

PACKAGE_ZIPPED_MB_MAX: Final = 50
"""What the Lambda API takes directly (LAMBDA_QUOTAS). The CDK uploads through S3, where a larger archive
passes; it is still downloaded at every cold start, so passing this is a decision and not an accident."""

HEAVY_IMPORTS_BYTES: Final = 2 * 1024 * 1024
"""The size of the source that a handler's module imports, from which an info reports it. Of the sample functions, those
with a logger and the runtime's SDK import 0.4 MB, those with a resolver or a database driver 0.5 to 1.4 MB, and only
those with pydantic (2.3 MB) or an AWS SDK of their own (2.9 MB) more: the info is for a heavy library."""

PYTHON_RUNTIME: Final = "python3.13"
ARCHITECTURE: Final = "arm64"
PYTHON_RUNTIMES: Final = ("python3.11", "python3.12", "python3.13", "python3.14")
"""The runtimes that are not deprecated today (3.10 has been since 2026-10-31).
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""

PYTHON_RUNTIMES_SUPPORTED_LONGEST: Final = ("python3.13", "python3.14")
"""Both until 2029-06-30 (the same page)."""

LOG_RETENTION_DAYS: Final = 60
"""Lambda's own log group keeps everything forever, at a price that grows forever. Two months outlast an
incident and its review. Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"""

RESERVED_CONCURRENCY_MIN: Final = 1
"""0 turns a function off (LAMBDA_CONCURRENCY), which `disabled` is for."""

ACCOUNT_CONCURRENCY: Final = 1000
"""The quota "Concurrent executions" of an account in a Region, until AWS raises it; new accounts have less
(LAMBDA_QUOTAS), such as 10: https://github.com/aws-samples/one-observability-demo/issues/278"""
UNRESERVED_CONCURRENCY_MIN: Final = 100
"""What Lambda keeps for functions that reserve nothing (LAMBDA_CONCURRENCY)."""
CONCURRENCY_ALARM_SHARE: Final = 0.9
CONCURRENCY_ALARM_MINUTES: Final = 10
"""Nine tenths of the quota for ten minutes, as AWS recommends for ClaimedAccountConcurrency and ConcurrentExecutions
(the page of ALARM_DATAPOINTS); for the unreserved concurrency, ours."""
LAMBDA_CONCURRENCY_METRICS: Final = _LAMBDA + "monitoring-concurrency.html"

LAMBDA_RECURSION: Final = _LAMBDA + "invocation-recursion.html"
LAMBDA_LOG_LEVELS: Final = _LAMBDA + "monitoring-cloudwatchlogs-log-level.html"
FUNCTION_POLICY_BYTES_MAX: Final = 20_480
"""The limit of the resource-based policy of a function, a version or an alias (LAMBDA_QUOTAS)."""
FUNCTION_POLICY_BYTES: Final = 18_000
"""The size from which a policy gets a warning: some five statements before the limit. Ours."""

LAMBDA_ENVIRONMENT: Final = _LAMBDA + "configuration-envvars.html"
LAMBDA_CONCURRENCY: Final = _LAMBDA + "configuration-concurrency.html"
LAMBDA_LOG_GROUPS: Final = _LAMBDA + "monitoring-cloudwatchlogs-loggroups.html"
LAMBDA_LAYERS: Final = _LAMBDA + "adding-layers.html"
LAMBDA_IMAGES: Final = _LAMBDA + "images-create.html"
LAMBDA_RUNTIMES: Final = _LAMBDA + "lambda-runtimes.html"
LAYER_NAME_PATTERN: Final = "[a-zA-Z0-9-_]{1,140}"
"""PUBLISH_LAYER_VERSION."""
PUBLISH_LAYER_VERSION: Final = "https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html"
COGNITO_TRIGGERS: Final = "https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html"
COGNITO_TRIGGER_SECONDS: Final = 5
"""How long Cognito waits; it tries three times (COGNITO_TRIGGERS)."""
FLAG_NAME_PATTERN: Final = r"[a-z][a-zA-Z\d_-]{0,63}"
"""FEATURE_FLAGS."""
FEATURE_FLAGS: Final = (
    "https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-type-reference-feature-flags.html"
)
FLAG_ALARMS_MAX: Final = 5
"""https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_CreateEnvironment.html (Monitors)."""
FLAG_ROLLBACK: Final = "https://docs.aws.amazon.com/appconfig/latest/userguide/monitoring-deployments.html"
FLAG_DEPLOYMENTS: Final = "https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-creating-deployment-strategy-predefined.html"
FLAG_DEPLOYMENT_STRATEGIES: Final = (
    "AppConfig.Canary10Percent20Minutes",
    "AppConfig.Linear20PercentEvery6Minutes",
    "AppConfig.AllAtOnce",
    "AppConfig.Linear50PercentEvery30Seconds",
)
"""AppConfig's own, the two that it recommends for production first; the last one is for tests (FLAG_DEPLOYMENTS)."""
REPLICATED_SECRETS: Final = (
    "https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html"
)
SECRETS_OF_OTHER_ACCOUNTS: Final = (
    "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html"
)
SSM_SHARING: Final = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html"
)
SSM_SECURE_STRINGS: Final = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html"
)
POWERTOOLS_IDEMPOTENCY: Final = "https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/"
DYNAMODB_KEYS: Final = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html"
)
DYNAMODB_THROTTLING: Final = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TroubleshootingThrottling.html"
)
POWERTOOLS: Final = "https://docs.aws.amazon.com/powertools/python/latest/getting-started/install/"
STACK_EXPORTS: Final = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html"
)
LAMBDA_VPC: Final = _LAMBDA + "configuration-vpc.html"
LAMBDA_ROLES: Final = _LAMBDA + "lambda-intro-execution-role.html"
LAMBDA_PERMISSIONS: Final = _LAMBDA + "access-control-resource-based.html"
LAMBDA_RESOURCE_POLICY: Final = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-resourcepolicy.html"
DURABLE_INVOKING: Final = _LAMBDA + "durable-invoking.html"
DURABLE_MAPPINGS: Final = _LAMBDA + "durable-invoking-esm.html"
DURABLE_CONFIGURATION: Final = _LAMBDA + "durable-configuration.html"
DURABLE_RUNTIMES: Final = _LAMBDA + "durable-supported-runtimes.html"
DURABLE_PRACTICES: Final = _LAMBDA + "durable-best-practices.html"
DURABLE_NAMES: Final = _LAMBDA + "durable-execution-idempotency.html"
TENANT_ISOLATION: Final = _LAMBDA + "tenant-isolation.html"
MANAGED_INSTANCES: Final = _LAMBDA + "lambda-managed-instances.html"
MANAGED_INSTANCES_VERSIONS: Final = _LAMBDA + "lambda-managed-instances-version-publishing.html"

TENANT_INVOKING: Final = _LAMBDA + "tenant-isolation-invoke.html"
MANAGED_INSTANCES_PROVIDERS: Final = _LAMBDA + "lambda-managed-instances-capacity-providers.html"
MANAGED_INSTANCES_SCALING: Final = _LAMBDA + "lambda-managed-instances-scaling.html"
MANAGED_INSTANCES_NETWORKING: Final = _LAMBDA + "lambda-managed-instances-networking.html"
MANAGED_INSTANCES_RUNTIMES: Final = _LAMBDA + "lambda-managed-instances-runtimes.html"
MANAGED_INSTANCES_CONFIG: Final = (
    "https://docs.aws.amazon.com/lambda/latest/api/API_LambdaManagedInstancesCapacityProviderConfig.html"
)
LAMBDA_TIMEOUT: Final = _LAMBDA + "configuration-timeout.html"

MANAGED_TIMEOUT_SECONDS_MAX: Final = 5400
"""The longest timeout of a function on managed instances, for asynchronous invocations and event source mappings other
than those of Amazon MQ (LAMBDA_TIMEOUT). All others end after FUNCTION_TIMEOUT_SECONDS_MAX there, too."""

MANAGED_MEMORY_MB_MIN: Final = 2048
"""The least, with one vCPU (MANAGED_INSTANCES_SCALING)."""
MANAGED_MEMORY_MB_MAX: Final = 32_768
"""The most that the API takes (CREATE_FUNCTION)."""
MANAGED_GIB_PER_VCPU_MIN: Final = 2
MANAGED_GIB_PER_VCPU_MAX: Final = 8
MANAGED_CONCURRENCY_MIN: Final = 1
MANAGED_CONCURRENCY_MAX: Final = 1600
"""MANAGED_INSTANCES_CONFIG."""
MANAGED_CONCURRENCY_PER_VCPU_MAX: Final = 64
MANAGED_ENVIRONMENTS_MAX: Final = 15_000
"""MANAGED_INSTANCES_SCALING."""
MANAGED_PYTHON_RUNTIMES: Final = ("python3.13", "python3.14")
"""Python 3.13 and newer (MANAGED_INSTANCES_RUNTIMES)."""

DURABLE_SECONDS_MIN: Final = 1
DURABLE_SECONDS_MAX: Final = 31_622_400
"""366 days (https://docs.aws.amazon.com/lambda/latest/api/API_DurableConfig.html)."""

DURABLE_RETENTION_DAYS_MIN: Final = 1
DURABLE_RETENTION_DAYS_MAX: Final = 90
DURABLE_RETENTION_DAYS: Final = 14
"""The limits, and the default of CloudFormation and CDK (the same page). SQS keeps a message for 14 days: for so long
it may come again under its id. One that is redriven has a new id: only an execution_key outlives that."""

DURABLE_PYTHON_RUNTIMES: Final = ("python3.13", "python3.14")
"""DURABLE_RUNTIMES."""

STARTER_TIMEOUT_SECONDS: Final = 60
"""Ten calls of Lambda's Invoke take a second; a throttled one is tried again by the SDK for some seconds. Ours."""

POLICY_NAME_CHARACTERS_MAX: Final = 128
"""https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html"""

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
"""The most subnets of one function.
Source: https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html"""

# --- SQS queues ---------------------------------------------------------------------------------------

SQS_QUOTAS: Final = _SQS + "quotas-messages.html"
SQS_RETRIES: Final = _LAMBDA + "sqs-retries.html"
SQS_CONFIGURE: Final = _LAMBDA + "services-sqs-configure.html"
SQS_PARAMETERS: Final = _LAMBDA + "services-sqs-parameters.html"
SQS_SCALING: Final = _LAMBDA + "services-sqs-scaling.html"
SQS_FILTERING: Final = _LAMBDA + "with-sqs-filtering.html"
SQS_KEYS: Final = _SQS + "sqs-key-management.html"
SQS_DEAD_LETTER: Final = _SQS + "sqs-dead-letter-queues.html"
SQS_DEAD_LETTER_RETENTION: Final = _SQS + "setting-up-dead-letter-queue-retention.html"

VISIBILITY_TIMEOUT_FACTOR: Final = 6
"""Visibility timeout in function timeouts, which AWS recommends: it leaves room for Lambda's own retries when it is
throttled, before the message shows up a second time (SQS_CONFIGURE). The batching window is added: it is spent first.
Below one function timeout Lambda refuses the mapping."""

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
MAX_RECEIVE_COUNT_RECOMMENDED: Final = 5
"""Fewer, and throttling alone sends good messages to the dead-letter queue (SQS_RETRIES)."""
MAX_RECEIVE_COUNT_MIN: Final = 1
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
"""Of Kafka (KAFKA_SCALING), and the most that CDK accepts for any source."""
QUEUE_POLLERS_MAX: Final = 10_000
"""PROVISIONED_POLLERS."""

STREAM_READERS: Final = _LAMBDA + "with-ddb.html"
STREAM_READERS_MAX: Final = 2
"""How many may read a shard of a DynamoDB stream at the same time before it is throttled (STREAM_READERS)."""

FILTERS_MAX: Final = 5
"""Patterns of one event source mapping, before a quota increase (SQS_FILTERING)."""

FILTER_CHARACTERS_MAX: Final = 4096
"""https://docs.aws.amazon.com/lambda/latest/api/API_Filter.html"""

SQS_RECORD_KEYS: Final = (
    "body",
    "attributes",
    "messageAttributes",
    "messageId",
    "receiptHandle",
    "md5OfBody",
    "md5OfMessageAttributes",
    "eventSource",
    "eventSourceARN",
    "awsRegion",
)
"""The fields of a message as Lambda has it. Its page on SQS promises filters on the body alone.
Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html"""

OLDEST_MESSAGE_ALARM_SECONDS: Final = 900
"""Work that has waited a quarter of an hour is late for any queue that somebody is waiting on. AWS names the
metric, not a number; this one is ours.
Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"""

# --- Streams --------------------------------------------------------------------------------------------

KINESIS: Final = _LAMBDA + "with-kinesis.html"
KINESIS_CREATE: Final = _LAMBDA + "services-kinesis-create.html"
KINESIS_PARAMETERS: Final = _LAMBDA + "services-kinesis-parameters.html"
KINESIS_FAILURES: Final = _LAMBDA + "kinesis-on-failure-destination.html"
KINESIS_PARTIAL: Final = _LAMBDA + "services-kinesis-batchfailurereporting.html"
KINESIS_WINDOWS: Final = _LAMBDA + "services-kinesis-windows.html"
KINESIS_FILTERING: Final = _LAMBDA + "with-kinesis-filtering.html"
KINESIS_POLICIES: Final = "https://docs.aws.amazon.com/streams/latest/dev/resource-based-policy-examples.html"
TABLE_STREAM: Final = _LAMBDA + "with-ddb.html"
TABLE_STREAM_PARAMETERS: Final = _LAMBDA + "services-ddb-params.html"
TABLE_STREAM_FAILURES: Final = _LAMBDA + "services-dynamodb-errors.html"
TABLE_STREAM_FILTERING: Final = _LAMBDA + "with-ddb-filtering.html"
S3_KEYS: Final = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"
S3_LIFECYCLE: Final = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html"
)
CREATE_MAPPING: Final = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"

STREAM_BATCH_SIZE: Final = 100
STREAM_BATCH_SIZE_MAX: Final = 10_000
"""Lambda's own default, and the most (KINESIS_PARAMETERS, TABLE_STREAM_PARAMETERS). CDK's source of tables stops at
1,000."""

PARALLELIZATION_FACTOR_MAX: Final = 10
"""Batches of one shard at the same time, one partition key in one of them (KINESIS_PARAMETERS)."""

TUMBLING_WINDOW_SECONDS_MAX: Final = 900
"""KINESIS_WINDOWS."""

STREAM_RETRY_ATTEMPTS: Final = 5
"""As with queues (MAX_RECEIVE_COUNT): a record that has failed six times needs a person. Lambda's own default is to
retry until the record expires, and every record behind it in the shard waits (KINESIS_FAILURES)."""
STREAM_RETRY_ATTEMPTS_MAX: Final = 10_000
"""KINESIS_PARAMETERS. -1, for no limit, is refused: see STREAM_RETRY_ATTEMPTS."""

RECORD_AGE_SECONDS_MIN: Final = 60
RECORD_AGE_SECONDS_MAX: Final = 604_800
"""7 days, the most that Lambda counts; 0 to 59 are not allowed (CREATE_MAPPING)."""

RECORD_AGE_SHARE: Final = 0.5
"""Of the stream's retention: a record is given up, and kept in the failure destination, while the stream still has it.
A throttled function uses up no retries, so that age alone ends its batches (KINESIS_FAILURES). Ours."""

KINESIS_RETENTION_SECONDS: Final = 86_400
"""24 hours, the default and the least.
Source: https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html"""

TABLE_STREAM_RETENTION_SECONDS: Final = 86_400
"""24 hours, always.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"""

STREAM_S3_PREFIX: Final = "aws/lambda/"
"""Where Lambda puts the records of failed batches into a bucket: the id of the mapping and the shard follow
(KINESIS_FAILURES)."""

FAILED_RECORD_RETENTION_DAYS: Final = 14
"""How long the failure bucket keeps a batch: as long as a dead-letter queue keeps a message (ours)."""

ITERATOR_AGE_ALARM_SECONDS: Final = 900
"""As OLDEST_MESSAGE_ALARM_SECONDS. AWS names the metric, not a number; this one is ours.
Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"""

MAPPING_METRICS: Final = _LAMBDA + "monitoring-metrics-types.html"

KINESIS_RECORD_KEYS: Final = (
    "data",
    "partitionKey",
    "sequenceNumber",
    "approximateArrivalTimestamp",
    "kinesisSchemaVersion",
    "eventID",
    "eventName",
    "eventSource",
    "eventSourceARN",
    "awsRegion",
)
"""Of a record as filters see it (KINESIS_FILTERING)."""

TABLE_STREAM_RECORD_KEYS: Final = (
    "dynamodb",
    "eventID",
    "eventName",
    "eventSource",
    "eventSourceARN",
    "eventVersion",
    "awsRegion",
    "userIdentity",
)
"""Of a record as filters see it (TABLE_STREAM_FILTERING); userIdentity is in deletions by time to live.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html"""

# --- Kafka and message brokers --------------------------------------------------------------------------

MSK_NETWORK: Final = _LAMBDA + "with-msk-cluster-network.html"
MSK_PERMISSIONS: Final = _LAMBDA + "with-msk-permissions.html"
MSK_AUTHENTICATION: Final = _LAMBDA + "msk-cluster-auth.html"
MSK_CROSS_ACCOUNT: Final = _LAMBDA + "msk-cross-account.html"
KAFKA_PARAMETERS: Final = _LAMBDA + "kafka-esm-parameters.html"
KAFKA_CREATE: Final = _LAMBDA + "kafka-esm-create.html"
KAFKA_AUTHENTICATION: Final = _LAMBDA + "kafka-cluster-auth.html"
KAFKA_NETWORK: Final = _LAMBDA + "with-kafka-cluster-network.html"
KAFKA_POSITIONS: Final = _LAMBDA + "kafka-starting-positions.html"
KAFKA_GROUPS: Final = _LAMBDA + "kafka-consumer-group-id.html"
KAFKA_SCALING: Final = _LAMBDA + "kafka-scaling-modes.html"
KAFKA_RETRIES: Final = _LAMBDA + "kafka-retry-configurations.html"
KAFKA_FAILURES: Final = _LAMBDA + "kafka-on-failure.html"
KAFKA_DEAD_LETTERS: Final = _LAMBDA + "kafka-on-failure-destination.html"
KAFKA_FILTERING: Final = _LAMBDA + "kafka-filtering.html"
KAFKA_SCHEMAS: Final = _LAMBDA + "services-consume-kafka-events.html"
MQ: Final = _LAMBDA + "with-mq.html"
MQ_CONFIGURE: Final = _LAMBDA + "process-mq-messages-with-lambda.html"
MQ_PARAMETERS: Final = _LAMBDA + "services-mq-params.html"
MQ_ERRORS: Final = _LAMBDA + "services-mq-errors.html"
MQ_FILTERING: Final = _LAMBDA + "with-mq-filtering.html"
CREATE_MAPPING_ACCESS: Final = (
    "https://docs.aws.amazon.com/lambda/latest/api/API_SourceAccessConfiguration.html"
)

BROKER_NETWORK_ACTIONS: Final = (
    "CreateNetworkInterface",
    "DescribeNetworkInterfaces",
    "DescribeVpcs",
    "DeleteNetworkInterface",
    "DescribeSubnets",
    "DescribeSecurityGroups",
)
"""What a mapping does in EC2, with the role of the function, to join the network of a cluster or a broker
(MSK_PERMISSIONS, MQ_CONFIGURE)."""

CLUSTER_ARN_PATTERN: Final = r"arn:[\w-]+:kafka:[\w-]+:\d{12}:cluster/[^/]+/[^/]+"
VPC_CONNECTION_ARN_PATTERN: Final = r"arn:[\w-]+:kafka:[\w-]+:\d{12}:vpc-connection/\d{12}/[^/]+/[^/]+"
"""MSK_CROSS_ACCOUNT."""

BROKER_ARN_PATTERN: Final = r"arn:[\w-]+:mq:[\w-]+:\d{12}:broker:[^:]+:[^:]+"
"""https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmq.html"""

KAFKA_TOPIC_PATTERN: Final = r"[a-zA-Z0-9_-][a-zA-Z0-9._-]{1,248}"
"""As Kafka allows it, and Lambda: 249 characters at most, no dot at the beginning (CREATE_MAPPING)."""

CONSUMER_GROUP_PATTERN: Final = r"[a-zA-Z0-9-/*:_+=.@]{1,200}"
"""https://docs.aws.amazon.com/lambda/latest/api/API_AmazonManagedKafkaEventSourceConfig.html"""

BOOTSTRAP_SERVER_PATTERN: Final = (
    r"(?=.{1,300}$)([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?\.)*[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?:\d{1,5}"
)
BOOTSTRAP_SERVERS_MAX: Final = 10
"""https://docs.aws.amazon.com/lambda/latest/api/API_SelfManagedEventSource.html"""

KAFKA_POLLERS_MIN: Final = 1
"""Of both numbers of event pollers; the most are MINIMUM_POLLERS_MAX and MAXIMUM_POLLERS_MAX (KAFKA_SCALING)."""

PROVISIONED_POLLERS: Final = "https://docs.aws.amazon.com/lambda/latest/api/API_ProvisionedPollerConfig.html"
POLLER_GROUP_PATTERN: Final = "[a-zA-Z0-9-_]{1,128}"
"""PROVISIONED_POLLERS."""

KAFKA_PORTS: Final = {
    "IAM": "9098",
    "SCRAM-SHA-512": "9096",
    "mTLS": "9094",
    "unauthenticated": "9094 or 9092",
}
"""Of MSK, by the authentication (MSK_NETWORK)."""

OFFSET_LAG_ALARM_RECORDS: Final = 10_000
QUEUE_SIZE_ALARM_MESSAGES: Final = 1_000
BACKLOG_ALARM_MINUTES: Final = 15
"""Records of a partition, or messages of a queue, that are still to be processed, for a quarter of an hour, as
ITERATOR_AGE_ALARM_SECONDS. AWS names the metrics, not a number; these are ours.
Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"""

BROKER_QUEUE_CHARACTERS_MAX: Final = 1000
"""CREATE_MAPPING."""

VIRTUAL_HOST_PATTERN: Final = r"[ a-zA-Z0-9-/*:_+=.@]{1,200}"
"""CREATE_MAPPING_ACCESS."""

# --- Asynchronous invocation ----------------------------------------------------------------------------

ASYNC_ERRORS: Final = _LAMBDA + "invocation-async-error-handling.html"
ASYNC_RECORDS: Final = _LAMBDA + "invocation-async-retain-records.html"
ASYNC_DEAD_LETTERS: Final = "https://aws.amazon.com/blogs/compute/introducing-aws-lambda-destinations/"
RECURSION: Final = _LAMBDA + "invocation-recursion.html"

KILL_SWITCH_EVENT_SECONDS: Final = 300
"""How long EventBridge tries to pull it. A function that is turned off a day late may be fixed by then."""
KILL_SWITCH_ATTEMPTS: Final = 8
"""How often the switch itself tries, over some four minutes: Lambda's control plane answers a few requests a second."""

ASYNC_RETRY_ATTEMPTS_MIN: Final = 0
ASYNC_RETRY_ATTEMPTS_MAX: Final = 2
ASYNC_RETRY_ATTEMPTS: Final = 2
"""Lambda's own default: a minute after the first error, two after the second (ASYNC_ERRORS)."""

ASYNC_EVENT_AGE_SECONDS_MIN: Final = 60
ASYNC_EVENT_AGE_SECONDS_MAX: Final = 21_600
ASYNC_EVENT_AGE_SECONDS: Final = 21_600
"""6 hours, the most, and Lambda's own default: an event that waits out a throttling is not lost (ASYNC_ERRORS)."""

ASYNC_S3_PREFIX: Final = "aws/lambda/async/"
"""The prefix of the records of failed invocations that Lambda puts into a bucket (ASYNC_RECORDS)."""

ASYNC_EVENT_AGE_ALARM_SECONDS: Final = 900
"""An event that is retried twice is three minutes old; one of a quarter of an hour waits for concurrency. AWS
names the metric, not a number; this one is ours.
Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"""

ASYNC_EVENT_AGE_ALARM_SHARE: Final = 0.5
"""The alarm's share of the age at which Lambda drops an event, where that is less than the default: the alarm comes
while there is time to act. Ours."""

# --- Long jobs ------------------------------------------------------------------------------------------

_STATES: Final = "https://docs.aws.amazon.com/step-functions/latest/dg/"
_ECS: Final = "https://docs.aws.amazon.com/AmazonECS/latest/"

JOB_QUOTAS: Final = _STATES + "service-quotas.html"
JOB_ERRORS: Final = _STATES + "concepts-error-handling.html"
JOB_REDRIVE: Final = _STATES + "redrive-executions.html"
JOB_HEARTBEAT: Final = (
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskHeartbeat.html"
)
JOB_TASKS: Final = _STATES + "connect-ecs.html"
FARGATE_NETWORK: Final = _ECS + "developerguide/fargate-task-networking.html"
FARGATE_SIZES: Final = _ECS + "developerguide/task-cpu-memory-error.html"

JOB_SECONDS_MIN: Final = 60
"""Ours: starting a container takes a good part of a minute, which counts."""
JOB_SECONDS_MAX: Final = 31_536_000
"""How long an execution of a standard workflow may last: a year (JOB_QUOTAS)."""

JOB_RETRY_ATTEMPTS_MIN: Final = 0
JOB_RETRY_ATTEMPTS_MAX: Final = 20
"""Ours; Step Functions takes more. By then the waits add up to hours."""
JOB_RETRY_ATTEMPTS: Final = 5
JOB_RETRY_SECONDS: Final = 30
JOB_RETRY_SECONDS_MAX: Final = 900
"""The first wait, twice as long each time up to the longest one; of each, full jitter takes a random part. Together up
to a quarter of an hour: Fargate may be without capacity for minutes (JOB_ERRORS has what the fields mean)."""

JOB_NOT_STARTED: Final = ("AmazonECS.Unknown", "ECS.AmazonECSException", "ECS.ServerException")
"""Errors of the call that starts the container: no capacity (JOB_TASKS), a throttled call, an error of ECS itself. AWS
lists no names but the first; the others are what executions have shown:
https://github.com/CloudSnorkel/cdk-github-runners/pull/341 and
https://github.com/wellcomecollection/catalogue-pipeline/pull/3554"""
JOB_NEVER_RETRIED: Final = ("States.DataLimitExceeded", "States.Runtime")
"""Terminal errors, which no retrier and no catcher gets (JOB_ERRORS)."""

FARGATE_CPU: Final = 256
FARGATE_MEMORY_MB: Final = 512
FARGATE_MEMORY_OF_CPU: Final = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16_384 + 1, 1024)),
    4096: tuple(range(8192, 30_720 + 1, 1024)),
    8192: tuple(range(16_384, 61_440 + 1, 4096)),
    16_384: tuple(range(32_768, 122_880 + 1, 8192)),
}
"""The memory in MiB that goes with each number of CPU units (FARGATE_SIZES)."""

# --- Events in front of functions -------------------------------------------------------------------------

EVENT_RETRIES: Final = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html"
EVENT_DEAD_LETTERS: Final = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"
EVENT_BUSES: Final = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html"
EVENT_PATTERNS: Final = (
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"
)
BUCKET_EVENTS: Final = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html"
SCHEDULES: Final = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html"
SCHEDULE_START: Final = "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"
SCHEDULE_WINDOWS: Final = (
    "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-flexible-time-windows.html"
)
SCHEDULE_QUOTAS: Final = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html"
TOPIC_FILTERS: Final = "https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html"
TOPIC_KEYS: Final = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
TOPIC_LAMBDA: Final = "https://docs.aws.amazon.com/sns/latest/dg/sns-lambda-as-subscriber.html"
TOPIC_DEAD_LETTERS: Final = "https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html"
TOPIC_FIFO: Final = "https://docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html"

EVENT_RETRY_ATTEMPTS_MIN: Final = 0
EVENT_RETRY_ATTEMPTS_MAX: Final = 185
EVENT_RETRY_ATTEMPTS: Final = 185
EVENT_AGE_SECONDS_MIN: Final = 60
EVENT_AGE_SECONDS_MAX: Final = 86_400
EVENT_AGE_SECONDS: Final = 86_400
"""How long rules and schedules try to hand an event over to Lambda; the maximum is also EventBridge's own default
(EVENT_RETRIES). Whether the handler then succeeds is not known to them."""

BUCKET_EVENT_TYPES: Final = (
    "Object Created",
    "Object Deleted",
    "Object Restore Initiated",
    "Object Restore Completed",
    "Object Restore Expired",
    "Object Tags Added",
    "Object Tags Deleted",
    "Object ACL Updated",
    "Object Storage Class Changed",
    "Object Access Tier Changed",
)
"""BUCKET_EVENTS."""

SCHEDULE_WINDOW_SECONDS_MIN: Final = 60
SCHEDULE_WINDOW_SECONDS_MAX: Final = 86_400
"""1 to 1,440 minutes (SCHEDULE_WINDOWS)."""

SCHEDULE_INPUT_BYTES_MAX: Final = 262_144
"""Payload of a target (SCHEDULE_QUOTAS)."""

TOPIC_FILTER_NAMES_MAX: Final = 5
TOPIC_FILTER_COMBINATIONS_MAX: Final = 150
"""TOPIC_FILTERS."""
# --- VPC ----------------------------------------------------------------------------------------------

NAT_GATEWAYS: Final = _VPC + "vpc-nat-gateway.html"
INTERFACE_ENDPOINTS: Final = (
    "https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html"
)
STACK_ENVIRONMENT: Final = "https://docs.aws.amazon.com/cdk/v2/guide/environments.html"
PRIVATE_DNS: Final = "https://repost.aws/knowledge-center/vpc-interface-endpoint-domain-conflict"

VPC_CIDR: Final = "10.0.0.0/16"
SUBNET_MASK: Final = 22
"""A thousand addresses in each subnet. Functions of one security group share a few, but a proxy can take a
hundred and more when it grows (RDS_PROXY_NETWORK)."""

AVAILABILITY_ZONES: Final = 2
AVAILABILITY_ZONES_MIN: Final = 2
"""RDS Proxy and a DB subnet group want two (RDS_PROXY_NETWORK)."""
AVAILABILITY_ZONES_MAX: Final = 6
"""No Region has more. Source: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html"""

FLOW_LOG_RETENTION_DAYS: Final = 30
"""How long the log keeps what security groups have refused: enough to look back from an incident.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html"""

# --- Databases ----------------------------------------------------------------------------------------

RDS_PROXY: Final = _RDS + "rds-proxy.html"
RDS_PROXY_NETWORK: Final = _RDS + "rds-proxy-network-prereqs.html"
RDS_PROXY_CONNECTIONS: Final = _RDS + "rds-proxy-connections.html"
RDS_PROXY_ENDPOINTS: Final = _RDS + "rds-proxy-endpoints.html"
RDS_PROXY_IAM: Final = _RDS + "rds-proxy-iam-setup.html"
RDS_LIMITS: Final = _RDS + "CHAP_Limits.html"
RDS_VPC: Final = _RDS + "USER_VPC.WorkingWithRDSInstanceinaVPC.html"
RDS_STORAGE: Final = _RDS + "CHAP_Storage.html"
RDS_BACKUP: Final = _RDS + "USER_WorkingWithAutomatedBackups.BackupRetention.html"
RDS_CREATE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html"
AURORA_CAPACITY: Final = _AURORA + "aurora-serverless-v2.setting-capacity.html"
AURORA_READERS: Final = _AURORA + "Aurora.Replication.html"
ROTATION_STRATEGIES: Final = (
    "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html"
)
ROTATION_SCHEDULE: Final = (
    "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html"
)

HOSTED_ROTATION: Final = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-properties-secretsmanager-rotationschedule-hostedrotationlambda.html"
)

DATABASE_ENGINES: Final[dict[str, Literal["postgres", "mysql"]]] = {
    "postgres": "postgres",
    "mysql": "mysql",
    "aurora-postgresql": "postgres",
    "aurora-mysql": "mysql",
}
"""RDS's names of engines, and the value of `engine` in a secret that AWS's rotation needs.
Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html"""

PROXY_PORT: Final = {"postgres": 5432, "mysql": 3306}
"""The port that every proxy listens on, whatever the port of the database behind it is (RDS_PROXY, limitations)."""

PROXY_NAME_LENGTH_MAX: Final = 63
"""The longest name of a proxy or its endpoints: a letter, then letters, digits and single hyphens, none of them last.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBProxy.html"""

DATABASE_PORT_MIN: Final = 1150
DATABASE_PORT_MAX: Final = 65_535
"""RDS_CREATE."""

DATABASE_NAME: Final = "app"
APPLICATION_USER: Final = "app"
"""Names that need no quoting in SQL."""

MASTER_USER: Final = {"postgres": "postgres", "mysql": "admin"}
"""What RDS itself suggests."""

USERS_OF_RDS: Final = ("rdsadmin", "rdsproxyadmin", "rds_superuser", "rds_iam")
"""Users and roles that are in every database of RDS, or that a proxy makes (RDS_PROXY)."""

DATABASE_NAME_LENGTH_MAX: Final = 63
USER_NAME_LENGTH_MAX: Final = {"postgres": 63, "mysql": 32}
MASTER_USER_LENGTH_MAX: Final = {"postgres": 63, "mysql": 16}
"""RDS_CREATE; PostgreSQL cuts longer names off, MySQL refuses them."""

ALTERNATE_USER_SUFFIX: Final = "_clone"
"""What AWS's rotation calls the second user (ROTATION_STRATEGIES)."""

SLOW_QUERY_SECONDS: Final = 1
"""A query that takes longer is in the log. PostgreSQL logs no slow query by default, MySQL those above ten seconds; the
number is ours.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.PostgreSQL.Query_Logging.html"""

_POSTGRES_PARAMETERS: Final = {
    "rds.force_ssl": "1",
    "log_min_duration_statement": str(SLOW_QUERY_SECONDS * 1000),
}
_MYSQL_PARAMETERS: Final = {
    "slow_query_log": "1",
    "long_query_time": str(SLOW_QUERY_SECONDS),
    "log_output": "FILE",
}
DATABASE_PARAMETERS: Final = {
    "instance": {
        "postgres": _POSTGRES_PARAMETERS,
        "mysql": {"require_secure_transport": "1", **_MYSQL_PARAMETERS},
    },
    "aurora": {
        "postgres": _POSTGRES_PARAMETERS,
        "mysql": {"require_secure_transport": "ON", **_MYSQL_PARAMETERS},
    },
}
"""TLS or no connection, and slow queries in the log. MySQL writes them only when told to, and exports only files. The
value of require_secure_transport is documented as 1 for RDS and as ON for Aurora.
Sources: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.require-ssl.html,
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Security.html and
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html"""

DATABASE_LOGS: Final = {"postgres": ("postgresql",), "mysql": ("error", "slowquery")}
"""What is sent to CloudWatch Logs: errors and slow queries, not each query, which would be a copy of the data.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.html"""

PASSWORD_WITHOUT: Final = " %+~`#$&*()|[]{}:;<>?!'/@\"\\"  # noqa: S105 - not a password
PASSWORD_LENGTH: Final = 32
"""None of the characters that a URL, a shell or SQL takes for its own; the length makes up for them."""

ROTATION_DAYS: Final = 30
"""Secrets Manager's own suggestion (ROTATION_SCHEDULE)."""
ROTATION_SECONDS_MIN: Final = 4 * 3600
ROTATION_SECONDS_MAX: Final = 999 * 86_400
"""4 hours (ROTATION_SCHEDULE) to what a rate expression takes: three digits.
Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html"""

BACKUP_RETENTION_DAYS: Final = 7
BACKUP_RETENTION_SECONDS_MIN: Final = 86_400
BACKUP_RETENTION_SECONDS_MAX: Final = 35 * 86_400
"""RDS_BACKUP. 0 would turn backups off; a week is what the console gives."""

STORAGE_GIB: Final = 20
STORAGE_GIB_MIN: Final = 20
STORAGE_GIB_MAX: Final = 65_536
"""The most storage of type gp3 (RDS_STORAGE)."""
MAX_STORAGE_GIB: Final = 100
"""The size at which autoscaling stops by default: a bill that somebody looks at."""
MAX_STORAGE_PERCENT_MIN: Final = 110
"""The smallest maximum, in percent of the storage at first: RDS refuses a smaller step.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html"""

MIN_CAPACITY_ACU: Final = 0.5
MAX_CAPACITY_ACU: Final = 4
CAPACITY_ACU_MIN: Final = 0.5
CAPACITY_ACU_MAX: Final = 256
"""AURORA_CAPACITY. 0, a cluster that pauses, does not go with a proxy, which keeps connections open."""

READERS_MAX: Final = 15
"""AURORA_READERS."""

MAX_CONNECTIONS_MIN: Final = 6
MAX_CONNECTIONS_MAX: Final = {"postgres": 262_143, "mysql": 100_000}
"""What the parameter takes (RDS_LIMITS)."""

MAX_CONNECTIONS_PERCENT: Final = 90
"""RDS Proxy's own 100 % leaves no connection for the rotation, the console or a person (RDS_PROXY_CONNECTIONS)."""

BORROW_TIMEOUT_SECONDS: Final = 10
BORROW_TIMEOUT_SECONDS_MAX: Final = 300
"""RDS Proxy's own 120 s outlast the 29 s of a function: it would die waiting, without an error that says why.
The API's older reference allows an hour, its newest five minutes.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ConnectionPoolConfiguration.html"""

IDLE_CLIENT_TIMEOUT_SECONDS: Final = 1800
IDLE_CLIENT_TIMEOUT_SECONDS_MAX: Final = 28_800
"""RDS Proxy's own half hour: an environment that Lambda keeps is rarely silent for longer. Up to 8 hours
(RDS_PROXY_CONNECTIONS)."""

# --- Aurora DSQL --------------------------------------------------------------------------------------

DSQL_KEYS: Final = _DSQL + "data-encryption.html"
DSQL_ROLES: Final = _DSQL + "using-database-and-iam-roles.html"
DSQL_PRIVATE_LINK: Final = _DSQL + "privatelink-managing-clusters.html"
DSQL_METRICS: Final = _DSQL + "cloudwatch-monitoring.html"

DSQL_PORT: Final = 5432
DSQL_DATABASE: Final = "postgres"
"""Aurora DSQL has one database, of this name, at this port.
Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/accessing.html"""

DSQL_ADMINISTRATOR: Final = "admin"
"""The user that Aurora DSQL creates, for which IAM has an action of its own (DSQL_ROLES)."""

DSQL_KEY_ACTIONS: Final = (
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What the service does with a customer managed key (DSQL_KEYS)."""

DSQL_OWN_KEY: Final = "AWS_OWNED_KMS_KEY"
"""In place of a key: the one that Aurora DSQL owns. Left out of an update, the key stays what it was (DSQL_KEYS)."""

DSQL_CONFLICTS_PERCENT: Final = 10
DSQL_CONFLICTS_LEAST: Final = 10
"""Transactions of a minute that conflict, and how many at least: each is paid for, and repeated. AWS names the metric,
not a number; these are ours (DSQL_METRICS)."""

# --- Caches -------------------------------------------------------------------------------------------

CACHE_VPC: Final = _CACHE + "set-up.html"
CACHE_KEYS: Final = _CACHE + "at-rest-encryption.html"
CACHE_LIMITS: Final = _CACHE + "Scaling.html"
CACHE_ACCESS: Final = _CACHE + "Clusters.RBAC.html"
CACHE_VERSIONS: Final = _CACHE + "engine-versions.html"
CACHE_SNAPSHOTS: Final = _CACHE + "backups-automatic.html"
CACHE_USER_GROUPS: Final = (
    "https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteUserGroup.html"
)
CACHE_METRICS: Final = _CACHE + "serverless-metrics-events-redis.html"

CACHE_STORAGE_GB_MIN: Final = 1
CACHE_STORAGE_GB_MAX: Final = 5000
CACHE_ECPU_PER_SECOND_MIN: Final = 1000
CACHE_ECPU_PER_SECOND_MAX: Final = 15_000_000
"""Usage limits of a serverless cache (CACHE_LIMITS)."""

CACHE_STORAGE_GB: Final = 1
CACHE_ECPU_PER_SECOND: Final = 10_000
"""ElastiCache has no maximum unless one is set. With these, a cache costs at most some 120 US dollars a month; the
numbers are ours. Source: https://aws.amazon.com/elasticache/pricing/"""

CACHE_ALARM_PERCENT: Final = 75
"""Recommended by AWS for both limits (CACHE_LIMITS)."""

VALKEY_VERSION: Final = "8"
"""Role-based access control and IAM need 7.2 (CACHE_VERSIONS)."""

CACHE_NAME_LENGTH_MAX: Final = 40
"""Of caches, user groups and users: a letter, then letters, digits and single hyphens, none of them last.
Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateServerlessCache.html"""

CACHE_SNAPSHOTS_MAX: Final = 35
"""Automatic backups are kept for up to 35 days (CACHE_SNAPSHOTS)."""

# --- Alarms -------------------------------------------------------------------------------------------

ALARM_PERIOD_SECONDS: Final = 60
ALARM_EVALUATION_PERIODS: Final = 3
ALARM_DATAPOINTS: Final = 2
"""Two bad minutes in three: a blip does not wake anybody, a fault does.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html"""

UTILIZATION_ALARM_LEAST_IN_USE: Final = 10
"""The fewest environments in use that set off the alarm: with fewer, nine tenths of them would be all."""

ALARM_ACTIONS: Final = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html"
)

_CLOUDWATCH: Final = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/"
DASHBOARD_BODY: Final = _CLOUDWATCH + "APIReference/CloudWatch-Dashboard-Body-Structure.html"
PUT_DASHBOARD: Final = _CLOUDWATCH + "APIReference/API_PutDashboard.html"
STACK_OUTPUTS: Final = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html"
DASHBOARD_NAME_PATTERN: Final = r"[A-Za-z0-9_-]{1,255}"
"""PUT_DASHBOARD."""

STACK_OUTPUTS_MAX: Final = 200
"""Of a template.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

DASHBOARD_WIDGETS_MAX: Final = 500
ALARM_WIDGET_ALARMS_MAX: Final = 100
"""Widgets of a dashboard, and alarms of an alarm status widget (DASHBOARD_BODY)."""

ERROR_RATE_PERCENT: Final = 1
"""Failed invocations in a hundred (the same page, Lambda)."""

RDS_METRICS: Final = _RDS + "rds-metrics.html"
RDS_PROXY_METRICS: Final = _RDS + "rds-proxy.monitoring.html"

PROXY_CONNECTIONS_PERCENT: Final = 75
"""The alarm's share of the connections that the proxy may open: AWS recommends a limit 30 % above the peak, which is
three quarters of it (RDS_PROXY_CONNECTIONS)."""

BORROW_LATENCY_MICROSECONDS: Final = 100_000
"""A free connection is had in a few milliseconds; a tenth of a second is a queue. AWS names the metric, not a
number; this one is ours (RDS_PROXY_METRICS)."""

PINNED_SESSIONS_PERCENT: Final = 10
"""The alarm's share of the connections that the proxy may open: a pinned one serves one client, idle or not. A few
come from tools and migrations. AWS names the metric, not a number; this one is ours (RDS_PROXY_METRICS)."""

DATABASE_CPU_PERCENT: Final = 90
DATABASE_CONNECTIONS_PERCENT: Final = 90
"""Recommended by AWS for RDS; connections in per cent of max_connections (the page of ALARM_DATAPOINTS)."""

FREE_STORAGE_PERCENT: Final = 5
"""The alarm's share of the storage at first. RDS enlarges it when less than 10 % are free, so 5 % mean that it cannot.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html"""

# --- APIs ---------------------------------------------------------------------------------------------

_API_GATEWAY: Final = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"

REST_API_QUOTAS: Final = _API_GATEWAY + "api-gateway-execution-service-limits-table.html"
HTTP_API_QUOTAS: Final = _API_GATEWAY + "http-api-quotas.html"
HTTP_API_OR_REST: Final = _API_GATEWAY + "http-api-vs-rest.html"
HTTP_API_JWT: Final = _API_GATEWAY + "http-api-jwt-authorizer.html"
LAMBDA_AUTHORIZERS: Final = _API_GATEWAY + "apigateway-use-lambda-authorizer.html"
API_THROTTLING: Final = _API_GATEWAY + "api-gateway-request-throttling.html"
API_LOGGING: Final = _API_GATEWAY + "set-up-logging.html"
API_MAPPINGS: Final = _API_GATEWAY + "rest-api-mappings.html"
API_CUSTOM_DOMAINS: Final = _API_GATEWAY + "how-to-custom-domains.html"
API_USAGE_PLANS: Final = _API_GATEWAY + "api-gateway-api-usage-plans.html"
API_COMPRESSION: Final = _API_GATEWAY + "api-gateway-gzip-compression-decompression.html"
API_WEB_ACL: Final = _API_GATEWAY + "apigateway-control-access-aws-waf.html"
API_STAGES: Final = _API_GATEWAY + "set-up-stages.html"
API_CORS: Final = _API_GATEWAY + "how-to-cors.html"
API_VALIDATION: Final = _API_GATEWAY + "api-gateway-method-request-validation.html"
API_IAM: Final = _API_GATEWAY + "api-gateway-control-access-using-iam-policies-to-invoke-api.html"

INTEGRATION_TIMEOUT_SECONDS_MIN: Final = 0.05
REST_INTEGRATION_TIMEOUT_SECONDS: Final = 29
"""What a Regional REST API waits for a function, before a quota increase (REST_API_QUOTAS). A function with
more time than this works on when its caller has long had a 504."""

REST_INTEGRATION_TIMEOUT_SECONDS_MAX: Final = 300
"""The most that the quota of a Regional API has been raised to, at the price of requests per second.
Source: https://aws.amazon.com/about-aws/whats-new/2024/06/amazon-api-gateway-integration-timeout-limit-29-seconds/"""

HTTP_INTEGRATION_TIMEOUT_SECONDS: Final = 30
"""What an HTTP API waits for a function; cannot be raised (HTTP_API_QUOTAS)."""

HTTP_INTEGRATION_TIMEOUT_SECONDS_MAX_IN_CDK: Final = 29
"""CDK takes no more where a time is set; 30 s are what HTTP APIs have by default."""

REST_API_STAGE: Final = "prod"
HTTP_API_STAGE: Final = "$default"
"""CDK's and API Gateway's own names."""

API_METRICS_NAMESPACE: Final = "ConstructsLib/Api"
"""The namespace of the metrics that are counted from access logs."""

HTTP_AUTHORIZER_TIMEOUT_SECONDS: Final = 10
"""What an HTTP API waits for a Lambda authorizer (HTTP_API_QUOTAS)."""

API_ROUTES_MAX: Final = 300
"""Routes of an HTTP API (HTTP_API_QUOTAS), resources of a REST API (REST_API_QUOTAS)."""

ALIAS_ROUTES_MAX: Final = 55
"""More routes than this never fit; fewer may still be too many. Each route is a statement in the policy of its alias,
which holds 20 KB for all callers of the alias together (LAMBDA_QUOTAS). With the names that CDK generates a statement
takes 380 bytes or more: 53 routes at the very most, and some 45 with names of the usual length."""

AUTHORIZER_AUDIENCES_MAX: Final = 50
ROUTE_SCOPES_MAX: Final = 10
"""HTTP_API_QUOTAS."""

AUTHORIZER_CACHE_SECONDS_MAX: Final = 3600
"""LAMBDA_AUTHORIZERS."""

THROTTLING_RATE_LIMIT: Final = 1000
THROTTLING_BURST_LIMIT: Final = 500
"""A tenth of what an account has in most Regions, 10,000 requests per second and 5,000 at once (newer Regions have
2,500 and 1,250), shared by all of its APIs: without a limit of its own, one API under attack takes down the others.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

COMPRESSION_BYTES_MAX: Final = 10_485_760
"""API_COMPRESSION."""

API_KNOWN_ISSUES: Final = (
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html"
)
API_HEALTH_PATHS: Final = ("/ping", "/sping")
"""API_KNOWN_ISSUES."""

CORS_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    "X-Api-Key",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-User-Agent",
)
"""What a page needs for JSON, a token, a key, or a signature (API_CORS)."""

CORS_MAX_AGE_SECONDS: Final = 600
"""Ten minutes without another preflight; browsers forget within two hours whatever is set (API_CORS)."""

LATENCY_ALARM_MILLISECONDS: Final = 2500
"""AWS's threshold for API Gateway's Latency, at p90 there; here at p99, since one slow request in a hundred is
seen by somebody every minute.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html"""

# --- Load balancers -----------------------------------------------------------------------------------

_LOAD_BALANCER: Final = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/"
LOAD_BALANCER: Final = _LOAD_BALANCER + "application-load-balancers.html"
LOAD_BALANCER_LAMBDA: Final = _LOAD_BALANCER + "lambda-functions.html"
LOAD_BALANCER_ERRORS: Final = _LOAD_BALANCER + "load-balancer-troubleshooting.html"
LOAD_BALANCER_HEALTH: Final = _LOAD_BALANCER + "target-group-health-checks.html"
LOAD_BALANCER_HTTPS: Final = _LOAD_BALANCER + "create-https-listener.html"
LOAD_BALANCER_LOGIN: Final = _LOAD_BALANCER + "listener-authenticate-users.html"
LOAD_BALANCER_LOGS: Final = _LOAD_BALANCER + "enable-access-logging.html"
LOAD_BALANCER_MUTUAL_TLS: Final = _LOAD_BALANCER + "mutual-authentication.html"
LOAD_BALANCER_RULES: Final = _LOAD_BALANCER + "listener-rules.html"
LOAD_BALANCER_WEB_ACL: Final = (
    "https://docs.aws.amazon.com/waf/latest/developerguide/how-aws-waf-works-resources.html"
)

LOAD_BALANCER_IDLE_SECONDS: Final = 60
"""AWS's default (LOAD_BALANCER)."""
LOAD_BALANCER_IDLE_SECONDS_MAX: Final = 4000
LOAD_BALANCER_IDLE_MARGIN_SECONDS: Final = 5
"""How much longer than a slow function the load balancer waits: the answer of a function that times out has to come
back. Ours."""

LOAD_BALANCER_ZONES_MIN: Final = 2
"""LOAD_BALANCER."""
LOAD_BALANCER_PRIORITY_MAX: Final = 50_000
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html"""

LOAD_BALANCER_SESSION_SECONDS_MAX: Final = 604_800
"""Seven days, which is AWS's default too (LOAD_BALANCER_LOGIN)."""

LOAD_BALANCER_HEALTH_SECONDS: Final = 35
LOAD_BALANCER_HEALTH_SECONDS_MIN: Final = 5
LOAD_BALANCER_HEALTH_SECONDS_MAX: Final = 300
LOAD_BALANCER_HEALTH_TIMEOUT_SECONDS: Final = 30
"""AWS's defaults for Lambda targets, and its range (LOAD_BALANCER_HEALTH)."""
LOAD_BALANCER_HEALTH_PATH_CHARACTERS_MAX: Final = 1024
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html"""

TARGET_GROUP_NAME_CHARACTERS_MAX: Final = 32
"""Letters, digits and hyphens; unique in the Region and the account (the same page)."""

# --- Function URLs ------------------------------------------------------------------------------------

FUNCTION_URL_AUTH: Final = _LAMBDA + "urls-auth.html"
FUNCTION_URL_CONFIGURATION: Final = _LAMBDA + "urls-configuration.html"
FUNCTION_URL_CORS: Final = "https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html"
FUNCTION_URL_OR_API: Final = _LAMBDA + "furls-http-invoke-decision.html"
RESPONSE_STREAMING: Final = _LAMBDA + "configuration-response-streaming.html"
_CLOUDFRONT: Final = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
CLOUDFRONT_FUNCTION_URL: Final = _CLOUDFRONT + "private-content-restricting-access-to-lambda.html"
CLOUDFRONT_QUOTAS: Final = _CLOUDFRONT + "cloudfront-limits.html"
CLOUDFRONT_CERTIFICATES: Final = _CLOUDFRONT + "cnames-and-https-requirements.html"
CLOUDFRONT_WEB_ACL: Final = (
    "https://docs.aws.amazon.com/waf/latest/developerguide/how-aws-waf-works-resources.html"
)

REGIONS_WITHOUT_FUNCTION_URLS: Final = frozenset(
    ("ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1",
     "eu-central-2", "eu-south-2", "il-central-1", "me-central-1",
     "us-gov-east-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1")
)  # fmt: skip
"""FUNCTION_URL_CONFIGURATION, as of 2026-11; of GovCloud and China:
https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-lambda.html,
https://docs.amazonaws.cn/en_us/aws/latest/userguide/lambda.html"""

FUNCTION_URL_CORS_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
"""Every method that Lambda takes here (CDK offers OPTIONS too, which CloudFormation refuses). By name, since `*` means
nothing to a browser that sends credentials (FUNCTION_URL_CORS)."""

FUNCTION_URL_CORS_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    "X-Amz-Content-Sha256",
    "X-Amz-Date",
    "X-Amz-Security-Token",
)
"""What a page needs for JSON and a signature, and for the hash of a body that CloudFront asks for."""

FUNCTION_URL_CORS_ITEMS_MAX: Final = 100
FUNCTION_URL_CORS_HEADER_CHARACTERS_MAX: Final = 1024
FUNCTION_URL_CORS_ORIGIN_CHARACTERS_MAX: Final = 253
FUNCTION_URL_CORS_MAX_AGE_SECONDS_MAX: Final = 86_400
"""FUNCTION_URL_CORS."""

SYNCHRONOUS_DURABLE_SECONDS_MAX: Final = 900
"""How long a caller who waits gets the answer of a durable execution (DURABLE_INVOKING)."""

STREAMING_RUNTIMES: Final = ("nodejs", "provided")
"""The managed runtime that streams, and those of your own (RESPONSE_STREAMING)."""

WEB_ADAPTER_VARIABLE: Final = "AWS_LAMBDA_EXEC_WRAPPER"
"""What puts the Lambda Web Adapter's layer before a managed runtime.
Source: https://github.com/aws/aws-lambda-web-adapter"""

CLOUDFRONT_READ_TIMEOUT_SECONDS: Final = 120
"""What CloudFront waits for an origin at most without a quota increase (CLOUDFRONT_QUOTAS). CDK's documents still name
the former 60. Lambda ends the function before, so a longer wait costs nothing."""

CLOUDFRONT_REGION: Final = "us-east-1"
"""Where the certificate and the web ACL of a distribution are (CLOUDFRONT_CERTIFICATES, CLOUDFRONT_WEB_ACL)."""

# --- Functions at the edge of CloudFront --------------------------------------------------------------

EDGE_FUNCTIONS: Final = _CLOUDFRONT + "edge-functions-choosing.html"
EDGE_FUNCTION_RESTRICTIONS: Final = _CLOUDFRONT + "edge-function-restrictions-all.html"
CLOUDFRONT_FUNCTION_RESTRICTIONS: Final = _CLOUDFRONT + "cloudfront-function-restrictions.html"
CLOUDFRONT_FUNCTION_RUNTIME: Final = _CLOUDFRONT + "functions-javascript-runtime-20.html"
CLOUDFRONT_KEY_VALUE_STORE: Final = _CLOUDFRONT + "kvs-with-functions.html"
LAMBDA_AT_EDGE_RESTRICTIONS: Final = _CLOUDFRONT + "lambda-at-edge-function-restrictions.html"
EDGE_FUNCTION_LOGS: Final = _CLOUDFRONT + "edge-functions-logs.html"
CLOUDFRONT_METRICS: Final = _CLOUDFRONT + "programming-cloudwatch-metrics.html"

EDGE_EVENTS: Final = ("viewer-request", "viewer-response", "origin-request", "origin-response")
"""As CloudFront names them (EDGE_FUNCTIONS)."""

CLOUDFRONT_FUNCTION_BYTES_MAX: Final = 10 * 1024
"""Of the code, with its comments; AWS does not raise it (CLOUDFRONT_QUOTAS)."""

CLOUDFRONT_FUNCTION_MODULES: Final = ("cloudfront", "crypto", "querystring", "buffer")
"""What runtime 2.0 has, and nothing else can be loaded (CLOUDFRONT_FUNCTION_RUNTIME)."""

CLOUDFRONT_FUNCTION_LACKS: Final = (
    "eval",
    "Function",
    "setTimeout",
    "setInterval",
    "setImmediate",
    "clearTimeout",
    "fetch",
    "XMLHttpRequest",
)
"""Functions that JavaScript has elsewhere: no dynamic code, timers and network (CLOUDFRONT_FUNCTION_RUNTIME)."""

CLOUDFRONT_FUNCTION_UTILIZATION_PERCENT: Final = 80
"""Of the time that a function may take. At 80 % or more AWS recommends a review; near 100 % CloudFront may throttle it.
Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/viewing-cloudfront-metrics.html"""

LAMBDA_AT_EDGE_TIMEOUT_SECONDS_MAX: Final = 30
"""Of all events: older pages have 5 seconds, 128 MB and 1 MB for viewer events (CLOUDFRONT_QUOTAS, as of 2026)."""

LAMBDA_AT_EDGE_ZIPPED_MB_MAX: Final = 50
"""CLOUDFRONT_QUOTAS."""

LAMBDA_AT_EDGE_EPHEMERAL_STORAGE_MB_MAX: Final = 512
"""LAMBDA_AT_EDGE_RESTRICTIONS."""

LAMBDA_AT_EDGE_RUNTIMES: Final = ("python", "nodejs")
"""LAMBDA_AT_EDGE_RESTRICTIONS."""

# --- Releases on an alias -----------------------------------------------------------------------------

LAMBDA_ALIASES: Final = _LAMBDA + "configuration-aliases.html"
LAMBDA_WEIGHTS: Final = _LAMBDA + "configuring-alias-routing.html"
PROVISIONED_CONCURRENCY: Final = _LAMBDA + "provisioned-concurrency.html"
SNAP_START: Final = _LAMBDA + "snapstart.html"
SNAP_START_IMAGES: Final = _LAMBDA + "snapstart-runtime-hooks-custom.html"
CODE_DEPLOY_ALARMS: Final = (
    "https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_AlarmConfiguration.html"
)

ALIAS_NAME_CHARACTERS_MAX: Final = 128
"""https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html"""

PROVISIONED_CONCURRENCY_MIN: Final = 1
"""Lambda knows no configuration of 0: scaling to it deletes the configuration, and later updates of the alias by
CloudFormation fail because they look for it. Source: https://github.com/aws/aws-cdk/issues/29992"""

TARGET_UTILIZATION: Final = 0.7
TARGET_UTILIZATION_MIN: Final = 0.1
TARGET_UTILIZATION_MAX: Final = 0.9
"""The share of the provisioned concurrency that scaling keeps in use: 0.7 leaves room for the minutes until more is
there (PROVISIONED_CONCURRENCY). CDK refuses what is outside of 0.1 to 0.9."""

UTILIZATION_ALARM: Final = 0.9
"""Nearly all that is provisioned is in use, and the next calls spill over. AWS names the metric, not a number;
this one is ours. Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html"""

LATENCY_ALARM_SHARE_OF_TIMEOUT: Final = 0.8
"""The slowest of a hundred calls is near its end. Source:
https://github.com/aws/agent-toolkit-for-aws/blob/main/skills/core-skills/aws-serverless/references/production.md"""

SNAP_START_PYTHON_RUNTIMES: Final = ("python3.12", "python3.13", "python3.14")
"""Python 3.12 and newer (SNAP_START)."""

SNAP_START_EPHEMERAL_STORAGE_MB_MAX: Final = 512
"""SNAP_START."""

ROLLBACK_ALARMS_MAX: Final = 10
"""Alarms of one deployment group (CODE_DEPLOY_ALARMS)."""
