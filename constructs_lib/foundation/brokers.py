"""What the mappings of Kafka clusters and of message brokers have in common: networks, secrets and fixed names."""

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib.foundation import location, permissions
from constructs_lib.foundation.acknowledgment import acknowledge

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager


def check_secret(
    scope: Construct,
    name: str,
    secret: "secretsmanager.ISecret | None",
    *,
    source: str,
    required: bool = False,
) -> None:
    """Refuse what is not a secret, or one that Lambda does not read.

    Args:
        scope: Where the consumer is going to be.
        name: The argument, as the user wrote it.
        secret: What was given.
        source: The page that gives the rule.
        required: Whether None is refused too.

    Raises:
        InvalidPropsError: It is something else, or is in another Region.
    """
    _validation.check_part(name, secret, "secret_arn", "a secret of Secrets Manager", required=required)
    location.check(
        scope,
        name,
        secret,
        same_account=False,
        way_out="Lambda reads secrets of the function's own Region only: replicate the secret there.",
        source=source,
    )


def allow_secret(construct: Construct, role: iam.IRole, secret: "secretsmanager.ISecret") -> IConstruct:
    """Let a role read a secret, and use the secret's key.

    Args:
        construct: The consumer.
        role: The role of its function.
        secret: The secret.

    Returns:
        What the mapping must depend on.
    """
    return permissions.allow_role(
        construct,
        role,
        ["secretsmanager:GetSecretValue"],
        secret.secret_full_arn or f"{secret.secret_arn}-??????",
        resource=secret,
        key=secret.encryption_key,
        key_actions=["kms:Decrypt"],
    )


def allow_network(construct: Construct, role: iam.IRole, *other_actions: str) -> IConstruct:
    """Let Lambda join the network of a cluster or a broker, with the role of the function.

    Args:
        construct: The consumer.
        role: The role of its function.
        *other_actions: More actions that take no resource.

    Returns:
        What the mapping must depend on.
    """
    actions = [*other_actions, *(f"ec2:{name}" for name in _defaults.BROKER_NETWORK_ACTIONS)]
    holder = permissions.allow_role(construct, role, actions, "*", resource=construct)
    acknowledge(
        holder,
        {
            "AwsSolutions-IAM5[Resource::*]": "Lambda creates and deletes network interfaces whose names nobody knows "
            "before, in the network of the broker, and finds that network by actions that take no resource."
        },
    )
    return holder


def mapping_id(*fixed: str | None) -> str:
    """The construct id of a mapping, which names what no update can change.

    CloudFormation would update the mapping in place, but Lambda's UpdateEventSourceMapping takes neither topics nor
    queues, virtual hosts or consumer groups. With another logical id it creates a new mapping.

    Args:
        *fixed: Names; None and what is known only at deployment are left out.

    Source: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
    """
    known = [name for name in fixed if name and not _validation.is_unresolved(name)]
    return "-".join(("EventSourceMapping", *known))


def acknowledge_judges(
    mapping: IConstruct, *, has_pollers: bool = False, has_destination: bool = True
) -> None:
    """Acknowledge findings of rules that know queues and streams of AWS alone.

    Args:
        mapping: The event source mapping.
        has_pollers: Whether it is one of Kafka in provisioned mode.
        has_destination: Whether Lambda sends failed batches of such a mapping anywhere.
    """
    findings = {}
    if has_pollers:
        findings["cdk-preflight::pf-lambda-esm-bisect-batch-stream-only"] = (
            f"Lambda splits batches of Kafka, too, in provisioned mode: see {_defaults.KAFKA_RETRIES}"
        )
        findings["cdk-preflight::pf-lambda-esm-sqs-minimum-pollers-min"] = (
            f"Two event pollers at least are for SQS; Kafka takes one: see {_defaults.KAFKA_SCALING}"
        )
    if not has_destination:
        findings["Serverless-LambdaEventSourceMappingDestination"] = (
            "Lambda has no destination for batches of a broker: what fails goes back, and the broker's own "
            f"dead-letter queue keeps it. See {_defaults.MQ_ERRORS}"
        )
    acknowledge(mapping, findings)
