"""How Lambda proves to a Kafka cluster who it is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from constructs_lib import _validation

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager


@dataclass(frozen=True)
class KafkaAuthentication:
    """How Lambda proves to a Kafka cluster who it is. Created by one of its six methods; it has no default.

    A secret must be in the function's Region. The function's role gets the permission to read it, and to use its key.

    Attributes:
        kind: Which of the six.
        secret: The user name and the password, or the certificate. None for IAM, and without authentication.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/kafka-cluster-auth.html
    """

    kind: Literal["IAM", "SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "mTLS", "unauthenticated"]
    secret: "secretsmanager.ISecret | None" = None

    @staticmethod
    def iam() -> "KafkaAuthentication":
        """MSK: the function's role, which may then read this topic, and commit for its consumer group.

        The only way into an MSK Serverless cluster.

        Returns:
            For `authentication=`.
        """
        return KafkaAuthentication("IAM")

    @staticmethod
    def scram_sha_512(
        secret: "secretsmanager.ISecret | secretsmanager.Secret",
    ) -> "KafkaAuthentication":
        """SASL/SCRAM with SHA-512, over TLS: MSK and other clusters.

        Args:
            secret: Its JSON has `username` and `password`.

        Returns:
            For `authentication=`.

        Raises:
            InvalidPropsError: It is not a secret.
        """
        return _with("SCRAM-SHA-512", secret)

    @staticmethod
    def scram_sha_256(
        secret: "secretsmanager.ISecret | secretsmanager.Secret",
    ) -> "KafkaAuthentication":
        """SASL/SCRAM with SHA-256, over TLS: clusters that are not MSK's.

        Args:
            secret: Its JSON has `username` and `password`.

        Returns:
            For `authentication=`.

        Raises:
            InvalidPropsError: It is not a secret.
        """
        return _with("SCRAM-SHA-256", secret)

    @staticmethod
    def plain(secret: "secretsmanager.ISecret | secretsmanager.Secret") -> "KafkaAuthentication":
        """SASL/PLAIN over TLS, as Confluent Cloud takes it: clusters that are not MSK's.

        Args:
            secret: Its JSON has `username` and `password`.

        Returns:
            For `authentication=`.

        Raises:
            InvalidPropsError: It is not a secret.
        """
        return _with("PLAIN", secret)

    @staticmethod
    def mtls(secret: "secretsmanager.ISecret | secretsmanager.Secret") -> "KafkaAuthentication":
        """A client certificate that the cluster trusts.

        Args:
            secret: Its JSON has `certificate` (the chain, client first) and `privateKey` (PKCS #8), both in PEM, and
                `privateKeyPassword` if the key is encrypted, which PBES2 must not be.

        Returns:
            For `authentication=`.

        Raises:
            InvalidPropsError: It is not a secret.
        """
        return _with("mTLS", secret)

    @staticmethod
    def unauthenticated() -> "KafkaAuthentication":
        """Nothing: whoever reaches the brokers may read. Not over the internet.

        An MSK cluster with IAM access control is still asked by IAM: Lambda takes the strongest way in.

        Returns:
            For `authentication=`.
        """
        return KafkaAuthentication("unauthenticated")


def _with(
    kind: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "mTLS"], secret: "secretsmanager.ISecret"
) -> KafkaAuthentication:
    _validation.check_part("secret", secret, "secret_arn", "a secret of Secrets Manager", required=True)
    return KafkaAuthentication(kind, secret)
