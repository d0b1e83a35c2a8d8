"""What a consumer reads: a stream, and what is known of it."""

from dataclasses import dataclass
from typing import Protocol

from aws_cdk import aws_iam as iam
from constructs import Construct


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The pages of the Lambda guide about one kind of source."""

    parameters: str
    failures: str
    filtering: str


class Source(Protocol):
    """A stream, as far as the two consumers of streams differ."""

    @property
    def pages(self) -> Pages:
        """Where AWS describes it."""

    @property
    def stream_arn(self) -> str:
        """The ARN of the stream itself, also where it is read through a stream consumer."""

    @property
    def retention(self) -> float | None:
        """How many seconds it keeps a record; None if that is unknown here."""

    @property
    def shards(self) -> float | None:
        """How many shards it has; None if that is unknown here."""

    @property
    def record_keys(self) -> tuple[str, ...]:
        """The first keys of a record that filters see."""

    def attach(self, construct: Construct, role: iam.IRole) -> str:
        """Let a role read it.

        Args:
            construct: The consumer.
            role: The role of its function.

        Returns:
            The ARN that the event source mapping names.
        """

    def allow_reading_again(self, construct: Construct, role: iam.IRole) -> None:
        """Let a role read records by their sequence numbers.

        Args:
            construct: The consumer.
            role: The role of its redrive function.
        """
