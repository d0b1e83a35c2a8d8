"""Who vouches for what is seen here: AWS's own code, PostgreSQL's, the emulator's, or our reading of documents."""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Voucher(Enum):
    """Whose code showed the behaviour."""

    AWS = "AWS's own code"
    POSTGRES = "PostgreSQL's own code"
    EMULATOR = "the emulator (MiniStack)"
    EXTENSION = "our extension of it"
    NOBODY = "nobody: not modelled"


@dataclass(frozen=True)
class Evidence:
    """One behaviour and who vouches for it.

    Attributes:
        behaviour: What was seen.
        voucher: Whose code showed it.
    """

    behaviour: str
    voucher: Voucher


EVIDENCE: Final = (
    Evidence(
        "synthesis and deployment: the CDK CLI and aws-cdk-lib, the template that AWS would get", Voucher.AWS
    ),
    Evidence("the handler: Powertools and boto3, in a package for this machine", Voucher.AWS),
    Evidence("the database: transactions, constraints, roles, permissions on tables", Voucher.POSTGRES),
    Evidence("partial batch response, receive counts, the move to the dead-letter queue", Voucher.EMULATOR),
    Evidence("maximum concurrency of the mapping", Voucher.EMULATOR),
    Evidence("a durable execution: what a handler's SDK makes of a replay, a wait, a callback", Voucher.AWS),
    Evidence(
        "a durable execution: names, its version, retries after a crash, its dead letter", Voucher.EXTENSION
    ),
    Evidence(
        "the shards and records of a stream, which items a table's stream shows",
        Voucher.EMULATOR,
    ),
    Evidence("a state machine: the order of its states, retries, catch, choice", Voucher.EMULATOR),
    Evidence(
        "a state machine's redrive from the state that has failed; a step that runs a Fargate task: the call alone, no "
        "container",
        Voucher.EXTENSION,
    ),
    Evidence("the database token's check: signature, age, endpoint, user", Voucher.EMULATOR),
    Evidence("with `enforce_iam`: what a role's policies allow", Voucher.EMULATOR),
    Evidence(
        "an API's routes, CORS, API keys, throttling, quotas, models, custom domain by its name",
        Voucher.EMULATOR,
    ),
    Evidence("who may call an IAM route, under enforced IAM", Voucher.EMULATOR),
    Evidence("the events, answers and CORS headers of a function URL", Voucher.EMULATOR),
    Evidence(
        "accounts and Regions, each with its own resources; roles assumed across them", Voucher.EMULATOR
    ),
    Evidence(
        "requests reach the version that the alias names; each version in environments of its own",
        Voucher.EMULATOR,
    ),
    Evidence(
        "the proxy's endpoint: TLS, the words of a refusal, the login with the secret or by IAM",
        Voucher.EXTENSION,
    ),
    Evidence(
        "a parameter's generated name, which belongs to the ARN that a role may read", Voucher.EXTENSION
    ),
    Evidence("databases, their users `rdsadmin` and `rds_iam`, managed passwords", Voucher.EXTENSION),
    Evidence(
        "names of databases and proxies in lower case; two metrics of a proxy, clients that come and what they wait",
        Voucher.EXTENSION,
    ),
    Evidence(
        "reserved concurrency, VPCs, proxies and rotation schedules from a template; metric-math alarms are "
        "stored, not evaluated",
        Voucher.EXTENSION,
    ),
    Evidence("a failed message is visible again sooner than on AWS", Voucher.EXTENSION),
    Evidence("an alias's weights, by every way in", Voucher.EXTENSION),
    Evidence(
        "asynchronous invocations: retries, event age, destinations and their records, dead-letter queues, by the "
        "configuration of the very alias, version or function",
        Voucher.EXTENSION,
    ),
    Evidence(
        "mappings of Kinesis and of tables' streams: retries, halves of a batch, partial responses, age limit, "
        "failure destinations, starting positions, consumers, `IteratorAge`, event counts",
        Voucher.EXTENSION,
    ),
    Evidence(
        "filters of event source mappings match as EventBridge's patterns do",
        Voucher.EXTENSION,
    ),
    Evidence(
        "rules, topics, buckets and schedules invoke asynchronously; what they or a function's role may not "
        "reach is not reached",
        Voucher.EXTENSION,
    ),
    Evidence(
        "an alarm's state: by its own dimensions, periods and missing data; a queue's depth and oldest message",
        Voucher.EXTENSION,
    ),
    Evidence(
        "an alarm's change of state as an event; a state machine that sets a function's reserved concurrency",
        Voucher.EXTENSION,
    ),
    Evidence("the rules and actions of a load balancer", Voucher.EMULATOR),
    Evidence(
        "a load balancer's targets from a template, its permission, its event and its answers",
        Voucher.EXTENSION,
    ),
    Evidence("an API may invoke just the alias that its permission names", Voucher.EXTENSION),
    Evidence(
        "a function URL under enforced IAM: both permissions, and the form of a refusal", Voucher.EXTENSION
    ),
    Evidence(
        "request validators and access logs from a template, one request id throughout, 5XX answers, the form of "
        "a refusal, an API's own address off",
        Voucher.EXTENSION,
    ),
    Evidence("a burst starts fewer environments than on AWS", Voucher.EXTENSION),
    Evidence(
        "timeouts, durations and ages on a slow machine: stretched or shortened to what they are on a quick one",
        Voucher.EXTENSION,
    ),
    Evidence("the proxy's pool, pinning, failover, rotation itself, network isolation", Voucher.NOBODY),
    Evidence(
        "TLS of anything but the proxy, encryption, batching window, memory limit, X-Ray", Voucher.NOBODY
    ),
    Evidence(
        "releases by CodeDeploy, scaling of provisioned concurrency, what a firewall filters: declared only",
        Voucher.NOBODY,
    ),
    Evidence(
        "tumbling windows, several batches of a shard at a time, a shard that is split or merged",
        Voucher.NOBODY,
    ),
    Evidence(
        "a rule's and a schedule's own retries, flexible windows, time zones of schedules: declared only",
        Voucher.NOBODY,
    ),
    Evidence(
        "a load balancer's TLS, health checks, idle timeout and metrics, logins with Cognito", Voucher.NOBODY
    ),
    Evidence(
        "a function URL's metrics, streaming of its responses, the policy that opens it to everybody",
        Voucher.NOBODY,
    ),
    Evidence(
        "containers: no code of a Fargate task runs; heartbeats, jitter, the log of a state machine, its permissions "
        "for ECS and SQS",
        Voucher.NOBODY,
    ),
    Evidence("Kafka and message brokers: their event source mappings are refused", Voucher.NOBODY),
    Evidence(
        "the name of a custom domain, an API's integration timeout, compression, caching, payload limits",
        Voucher.NOBODY,
    ),
)
"""What the demo of the sample app shows, and what it does not."""
