"""Sources that two consumers take each other's messages from, or that more readers slow down."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import Resource
from constructs_lib.practice.flows import Flows, has_filters
from constructs_lib.practice.rule import Finding, Rule


def _consumers(flows: Flows, service: str) -> Iterator[list[Resource]]:
    """The enabled mappings and pipes of each queue or stream of a service, those that may exist at the same time."""
    found: dict[tuple[str, ...], list[Resource]] = defaultdict(list)
    for resource in flows.assembly.of_type("AWS::Lambda::EventSourceMapping", "AWS::Pipes::Pipe"):
        source = resource.text("EventSourceArn") or resource.text("Source")
        is_off = resource.get("Enabled") is False or resource.text("DesiredState") == "STOPPED"
        if f":{service}:" in source and not is_off:
            found[source, _virtual_host(resource), *resource.texts("Queues")].append(resource)
    for consumers in found.values():
        together = [consumer for consumer in consumers if consumer.may_coexist_with(consumers[0])]
        if len(together) > 1:
            yield together


def _virtual_host(consumer: Resource) -> str:
    """Where a RabbitMQ broker has the queue; two hosts may have queues of one name."""
    hosts = [
        each.get("URI")
        for each in consumer.dicts("SourceAccessConfigurations")
        if each.get("Type") == "VIRTUAL_HOST"
    ]
    return str(hosts[0]) if hosts else "/"


def _competing(flows: Flows) -> Iterator[Finding]:
    for service in ("sqs", "mq"):
        for first, *others in _consumers(flows, service):
            is_filtered = any(map(has_filters, (first, *others)))
            for consumer in others:
                yield Finding(
                    consumer,
                    f"{consumer.path} and {first.path} read the same queue, and each gets a part of the messages."
                    + (
                        " Each deletes the messages that do not match its filter, also those meant for the other."
                        if is_filtered
                        else ""
                    ),
                )


def _many_readers(flows: Flows) -> Iterator[Finding]:
    for consumers in _consumers(flows, "dynamodb"):
        for consumer in consumers[_defaults.STREAM_READERS_MAX :]:
            others = " and ".join(each.path for each in consumers[: _defaults.STREAM_READERS_MAX])
            yield Finding(consumer, f"{consumer.path} reads the same stream as {others}.")


COMPETING_CONSUMERS: Final = Rule(
    id="competing-consumers",
    severity="error",
    reason="A message of a queue goes to one consumer: which of them is left to chance.",
    fix="Give each consumer a queue of its own, both subscribed to one topic, or handle both kinds of messages in one "
    "function. Acknowledge this if both consumers do the same with every message.",
    source=_defaults.SQS_FILTERING,
    find=_competing,
)

STREAM_READERS: Final = Rule(
    id="stream-readers",
    severity="warning",
    reason="DynamoDB throttles a shard that more than two read at the same time; of a global table, more than one.",
    fix="Read the stream once, and distribute its records through a topic or an event bus.",
    source=_defaults.STREAM_READERS,
    find=_many_readers,
)

RULES: Final = (COMPETING_CONSUMERS, STREAM_READERS)
