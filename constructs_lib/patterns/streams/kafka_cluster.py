"""A Kafka cluster as a consumer's arguments name it: of Amazon MSK, or any other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from aws_cdk import Annotations, Fn
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct, IConstruct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import brokers, location, permissions, subnets
from constructs_lib.foundation.destination import acknowledge_wildcard
from constructs_lib.patterns.streams.kafka_authentication import KafkaAuthentication

_ACCESS: Final = {
    "SCRAM-SHA-512": lambda_.SourceAccessConfigurationType.SASL_SCRAM_512_AUTH,
    "SCRAM-SHA-256": lambda_.SourceAccessConfigurationType.SASL_SCRAM_256_AUTH,
    "PLAIN": lambda_.SourceAccessConfigurationType.BASIC_AUTH,
    "mTLS": lambda_.SourceAccessConfigurationType.CLIENT_CERTIFICATE_TLS_AUTH,
}
"""What the mapping calls each authentication that has a secret (CREATE_MAPPING_ACCESS)."""

_ROOT_CA: Final = lambda_.SourceAccessConfigurationType.SERVER_ROOT_CA_CERTIFICATE
_SUBNET: Final = lambda_.SourceAccessConfigurationType.VPC_SUBNET
_SECURITY_GROUP: Final = lambda_.SourceAccessConfigurationType.VPC_SECURITY_GROUP

_OF_MSK_ALONE: Final = ("IAM",)
_OF_OTHERS_ALONE: Final = ("SCRAM-SHA-256", "PLAIN")


@dataclass(frozen=True, kw_only=True)
class KafkaCluster:
    """The arguments as they were passed; `check` comes before anything is created."""

    cluster_arn: str | None
    vpc_connection_arn: str | None
    bootstrap_servers: Sequence[str] | None
    authentication: KafkaAuthentication
    root_ca_certificate: secretsmanager.ISecret | None
    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    security_groups: Sequence[ec2.ISecurityGroup]

    @property
    def event_source_arn(self) -> str | None:
        """What the mapping names; None for a cluster that is not of MSK."""
        return self.vpc_connection_arn or self.cluster_arn

    def check(self, scope: Construct) -> None:
        """Refuse what Lambda refuses, or could never reach.

        Args:
            scope: Where the consumer is going to be.

        Raises:
            InvalidPropsError: The cluster, its authentication and its network do not fit.
        """
        _validation.check_type(
            "authentication", self.authentication, KafkaAuthentication, "KafkaAuthentication.iam()"
        )
        if self.authentication is None:
            raise InvalidPropsError(
                "authentication must be a KafkaAuthentication, such as KafkaAuthentication.iam(), got None."
            )
        if (self.cluster_arn is None) is (self.bootstrap_servers is None):
            raise InvalidPropsError(
                "cluster_arn or bootstrap_servers is required, and cannot be combined: the ARN of an MSK cluster, or "
                f"the brokers of another one. See {_defaults.KAFKA_PARAMETERS}"
            )
        if self.cluster_arn is not None:
            self._check_managed(scope, self.cluster_arn)
        else:
            self._check_others(scope, self.bootstrap_servers or ())
        for name, secret in (
            ("authentication", self.authentication.secret),
            ("root_ca_certificate", self.root_ca_certificate),
        ):
            brokers.check_secret(scope, name, secret, source=_defaults.KAFKA_AUTHENTICATION)

    def _check_managed(self, scope: Construct, arn: str) -> None:
        _validation.check_text("cluster_arn", arn)
        _validation.check_pattern(
            "cluster_arn",
            arn,
            _defaults.CLUSTER_ARN_PATTERN,
            "the ARN of an MSK cluster, such as arn:aws:kafka:us-east-1:123456789012:cluster/trips/1a2b3c4d-5",
            source=_defaults.MSK_PERMISSIONS,
        )
        _validation.check_not_with(
            "cluster_arn",
            "Lambda finds the network of an MSK cluster by itself, and trusts the certificates of its brokers.",
            root_ca_certificate=self.root_ca_certificate,
            vpc=self.vpc,
            vpc_subnets=self.vpc_subnets,
            security_groups=self.security_groups or None,
        )
        if self.authentication.kind in _OF_OTHERS_ALONE:
            raise InvalidPropsError(
                f"authentication cannot be {self.authentication.kind} with cluster_arn: MSK has IAM, SCRAM-SHA-512, "
                f"mTLS and unauthenticated access. See {_defaults.MSK_AUTHENTICATION}"
            )
        if self.vpc_connection_arn is not None:
            _validation.check_text("vpc_connection_arn", self.vpc_connection_arn)
            _validation.check_pattern(
                "vpc_connection_arn",
                self.vpc_connection_arn,
                _defaults.VPC_CONNECTION_ARN_PATTERN,
                "the ARN of a managed VPC connection, arn:...:vpc-connection/account/cluster/id",
                source=_defaults.MSK_CROSS_ACCOUNT,
            )
        location.check_arn(
            scope,
            "cluster_arn",
            arn,
            same_account=self.vpc_connection_arn is None,
            way_out="Lambda reads MSK clusters of its own Region only, and those of another account by their "
            "vpc_connection_arn.",
            source=_defaults.MSK_CROSS_ACCOUNT,
        )

    def _check_others(self, scope: Construct, servers: Sequence[str]) -> None:
        _validation.check_texts("bootstrap_servers", servers)
        if not 1 <= len(servers) <= _defaults.BOOTSTRAP_SERVERS_MAX:
            raise InvalidPropsError(
                f"bootstrap_servers must be 1 to {_defaults.BOOTSTRAP_SERVERS_MAX}, got {len(servers)}: name some, and "
                f"Lambda finds the others. See {_defaults.KAFKA_CREATE}"
            )
        for number, server in enumerate(servers):
            _validation.check_pattern(
                f"bootstrap_servers[{number}]",
                server,
                _defaults.BOOTSTRAP_SERVER_PATTERN,
                "a host and a port, such as kafka1.example.com:9092",
                source=_defaults.KAFKA_CREATE,
            )
        _validation.check_not_with(
            "bootstrap_servers",
            "a VPC connection leads to an MSK cluster. Pass cluster_arn.",
            vpc_connection_arn=self.vpc_connection_arn,
        )
        if self.authentication.kind in _OF_MSK_ALONE:
            raise InvalidPropsError(
                "authentication cannot be IAM with bootstrap_servers: pass cluster_arn for a cluster of MSK. "
                f"See {_defaults.KAFKA_AUTHENTICATION}"
            )
        self._check_network(scope)

    def _check_network(self, scope: Construct) -> None:
        groups = self.security_groups
        _validation.check_parts("security_groups", groups, "security_group_id", "security groups")
        if self.vpc is None:
            if groups or self.vpc_subnets is not None:
                raise InvalidPropsError(
                    "security_groups and vpc_subnets cannot be passed without vpc, the network of the brokers. "
                    f"See {_defaults.KAFKA_NETWORK}"
                )
            if self.authentication.kind == "unauthenticated":
                raise InvalidPropsError(
                    "authentication cannot be unauthenticated without vpc: over the internet Lambda requires a secret. "
                    f"See {_defaults.KAFKA_CREATE}"
                )
            return
        chosen = self._subnet_ids
        for name, count, most in (
            ("security_groups", len(groups), _defaults.FUNCTION_SECURITY_GROUPS_MAX),
            ("vpc_subnets", len(chosen), _defaults.FUNCTION_SUBNETS_MAX),
        ):
            if not 1 <= count <= most:
                raise InvalidPropsError(
                    f"{name} must be 1 to {most} with vpc, got {count}. See {_defaults.KAFKA_NETWORK}"
                )
        location.check(
            scope,
            "vpc",
            self.vpc,
            way_out="Lambda joins networks of its own Region and account only.",
            source=_defaults.KAFKA_NETWORK,
        )
        for group in self.security_groups:
            location.check(
                scope,
                "security_groups",
                group,
                same_account=False,
                way_out="Lambda joins groups of its own Region only.",
                source=_defaults.KAFKA_NETWORK,
            )

    @cached_property
    def _subnet_ids(self) -> list[str]:
        return [] if self.vpc is None else subnets.selected(self.vpc, self.vpc_subnets).subnet_ids

    # --- what is deployed ----------------------------------------------------------------------------------

    def access_configurations(self) -> list[lambda_.SourceAccessConfiguration]:
        """How the mapping gets in: by which secrets, and in which network."""
        found: list[tuple[lambda_.SourceAccessConfigurationType, str]] = []
        if self.authentication.secret is not None:
            found.append((_ACCESS[self.authentication.kind], self.authentication.secret.secret_arn))
        if self.root_ca_certificate is not None:
            found.append((_ROOT_CA, self.root_ca_certificate.secret_arn))
        if self.vpc is not None:
            found += [(_SUBNET, f"subnet:{subnet}") for subnet in self._subnet_ids]
            found += [
                (_SECURITY_GROUP, f"security_group:{group.security_group_id}")
                for group in self.security_groups
            ]
        return [lambda_.SourceAccessConfiguration(type=kind, uri=uri) for kind, uri in found]

    def attach(
        self,
        construct: Construct,
        role: iam.IRole,
        *,
        topic: str,
        group: str | None,
        dead_letter_topic: str | None,
    ) -> list[IConstruct]:
        """Let the role of the function find the cluster, get in, and read.

        Args:
            construct: The consumer.
            role: The role of its function.
            topic: What it reads.
            group: The consumer group; None if Lambda names it after the mapping.
            dead_letter_topic: What it may write, too.

        Returns:
            What the mapping must depend on.
        """
        holders = [
            brokers.allow_secret(construct, role, secret)
            for secret in (self.authentication.secret, self.root_ca_certificate)
            if secret is not None
        ]
        if self.vpc is not None:
            holders.append(brokers.allow_network(construct, role))
        if self.cluster_arn is None:
            return holders
        holders.append(brokers.allow_network(construct, role, "kafka:GetBootstrapBrokers"))
        finding = ["kafka:DescribeClusterV2"]
        if self.authentication.kind == "SCRAM-SHA-512":
            finding.append("kafka:ListScramSecrets")
        grants = [(finding, self.cluster_arn)]
        if self.vpc_connection_arn is not None:
            grants.append((["kafka:DescribeVpcConnection"], self.vpc_connection_arn))
        if self.authentication.kind == "IAM":
            grants += self._by_iam(topic, group, dead_letter_topic)
        for actions, arn in grants:
            holders.append(permissions.allow_role(construct, role, actions, arn, resource=construct))
        if self.authentication.kind == "IAM" and group is None:
            acknowledge_wildcard(
                holders[-1],
                self._part("group"),
                "/*",
                "Lambda names the consumer group after the mapping, which depends on this policy. With "
                "consumer_group_id, it is the one group.",
            )
        return holders

    def _by_iam(
        self, topic: str, group: str | None, dead_letter_topic: str | None
    ) -> list[tuple[list[str], str]]:
        """The actions of IAM access control, and what each is allowed on; those on the group are last.

        Source: https://docs.aws.amazon.com/msk/latest/developerguide/kafka-actions.html
        """
        connecting = ["kafka-cluster:Connect", "kafka-cluster:DescribeClusterDynamicConfiguration"]
        reading = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
        grants = [(connecting, self.cluster_arn or ""), (reading, f"{self._part('topic')}/{topic}")]
        if dead_letter_topic is not None:
            connecting.append("kafka-cluster:DescribeCluster")
            writing = ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"]
            grants.append((writing, f"{self._part('topic')}/{dead_letter_topic}"))
        joining = ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"]
        grants.append((joining, f"{self._part('group')}/{group or '*'}"))
        return grants

    def _part(self, kind: str) -> str:
        """The ARN of the topics or groups of the MSK cluster: that of the cluster, with another word in it."""
        arn, word = self.cluster_arn or "", f":{kind}/"
        if not _validation.is_unresolved(arn):
            return arn.replace(":cluster/", word)
        return Fn.join(word, Fn.split(":cluster/", arn, 2))

    def inform(self, construct: Construct, *, is_provisioned: bool, destination: str) -> None:
        """Show what the network of the cluster must allow, since it is not created here.

        Args:
            construct: The consumer.
            is_provisioned: Whether the mapping has event pollers of its own.
            destination: The service that failed records go to; empty for a topic of the cluster.
        """
        if self.vpc_connection_arn is not None:
            Annotations.of(construct).add_info_v2(
                "constructs-lib:cluster-of-another-account",
                "The policy of the cluster, in its own account, must let the function's role do what its policy has "
                f"for the cluster, its topic and its group. See {_defaults.MSK_CROSS_ACCOUNT}",
            )
        if self.cluster_arn is None and self.vpc is None:
            return
        ports = (
            _defaults.KAFKA_PORTS[self.authentication.kind]
            if self.bootstrap_servers is None
            else " and ".join(
                sorted({server.rpartition(":")[2] for server in self.bootstrap_servers if ":" in server})
            )
            or "which their configuration has"
        )
        text = (
            "Lambda joins the network of the brokers, with their security group, which must allow inbound traffic from "
            f"itself on the brokers' port, {ports}."
        )
        if not is_provisioned:
            services = ["Lambda", "STS", *(["Secrets Manager"] if self._has_secrets else [])]
            services += [destination] if destination else []
            text += (
                f" Without minimum_pollers, the VPC also needs a NAT gateway, or endpoints of {', '.join(services)}, "
                "and the security group must allow outbound traffic on port 443."
            )
        page = _defaults.MSK_NETWORK if self.cluster_arn else _defaults.KAFKA_NETWORK
        Annotations.of(construct).add_info_v2("constructs-lib:network-of-brokers", f"{text} See {page}")

    @property
    def _has_secrets(self) -> bool:
        return self.authentication.secret is not None or self.root_ca_certificate is not None
