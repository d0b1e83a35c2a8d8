"""How Lambda reads a stream, and what it does with a batch that fails: the arguments of all consumers of streams."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from aws_cdk import Annotations, Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.invoked import Invoked
from constructs_lib.patterns.streams.source import Source


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The arguments as they were passed; `check` comes before anything is created."""

    batch_size: float
    max_batching_window: Duration | None
    parallelization_factor: float
    tumbling_window: Duration | None
    starting_position: lambda_.StartingPosition
    starting_position_timestamp: datetime | None
    retry_attempts: float
    max_record_age: Duration | None
    iterator_age: Duration | None

    def check(self, source: Source) -> None:
        """Refuse what Lambda refuses, and what would lose records.

        Args:
            source: The stream.

        Raises:
            InvalidPropsError: An argument is out of its range, or the stream ends before the records do.
        """
        page = source.pages.parameters
        for name, value, low, high in (
            ("batch_size", self.batch_size, 1, _defaults.STREAM_BATCH_SIZE_MAX),
            ("parallelization_factor", self.parallelization_factor, 1, _defaults.PARALLELIZATION_FACTOR_MAX),
            ("retry_attempts", self.retry_attempts, 0, _defaults.STREAM_RETRY_ATTEMPTS_MAX),
        ):
            _validation.check_range(name, value, low, high, whole=True, source=page)
        for name, duration, low, high in (
            ("max_batching_window", self.max_batching_window, 0, _defaults.BATCHING_WINDOW_SECONDS_MAX),
            ("tumbling_window", self.tumbling_window, 1, _defaults.TUMBLING_WINDOW_SECONDS_MAX),
            ("max_record_age", self.max_record_age, _defaults.RECORD_AGE_SECONDS_MIN, _defaults.RECORD_AGE_SECONDS_MAX),
        ):  # fmt: skip
            _validation.read_seconds(name, duration, low=low, high=high, whole="seconds", source=page)
        check_start(self.starting_position, self.starting_position_timestamp, source=page)
        self._check_ages(source)

    def _check_ages(self, source: Source) -> None:
        age, retention = self.record_age_seconds(source), source.retention
        if retention is not None and age >= retention:
            raise InvalidPropsError(
                f"max_record_age must be below the stream's retention of {retention:,.0f} seconds, got {age:,.0f}: the "
                "stream would delete the records before Lambda stops retrying and sends them to the on-failure "
                f"destination. See {source.pages.failures}"
            )
        alarm = self.iterator_age_seconds(source)
        if alarm < 1:
            raise InvalidPropsError(f"iterator_age must be at least 1 second, got {alarm:g}.")
        if alarm >= age:
            raise InvalidPropsError(
                f"iterator_age must be below max_record_age of {age:,.0f} seconds, got {alarm:,.0f}: Lambda discards "
                f"older records, so the alarm would never go off. See {source.pages.failures}"
            )

    def record_age_seconds(self, source: Source) -> float:
        """How old a record may become."""
        retention = source.retention or _defaults.KINESIS_RETENTION_SECONDS
        default = int(min(_defaults.RECORD_AGE_SHARE * retention, _defaults.RECORD_AGE_SECONDS_MAX))
        return default if self._record_age is None else self._record_age

    def iterator_age_seconds(self, source: Source) -> float:
        """At which age the alarm goes off."""
        default = min(_defaults.ITERATOR_AGE_ALARM_SECONDS, self.record_age_seconds(source) / 2)
        return default if self._iterator_age is None else self._iterator_age

    @cached_property
    def _record_age(self) -> float | None:
        return _known_seconds("max_record_age", self.max_record_age)

    @cached_property
    def _iterator_age(self) -> float | None:
        return _known_seconds("iterator_age", self.iterator_age)

    def warn(self, construct: Construct, source: Source, invoked: Invoked) -> None:
        """Warn of what works, and is slower or blocks longer than it looks.

        Args:
            construct: The consumer.
            source: The stream.
            invoked: The function that handles the batches.
        """
        reserved, shards = invoked.reserved_concurrency, source.shards
        if reserved and shards is not None and _known(self.parallelization_factor):
            wanted = shards * self.parallelization_factor
            if reserved < wanted:
                Annotations.of(construct).add_warning_v2(
                    "constructs-lib:reserved-concurrency-below-shards",
                    f"The function reserves a concurrency of {reserved:g}, and {shards:g} shards x "
                    f"parallelization_factor {self.parallelization_factor:g} take up to {wanted:g}: the shards that "
                    f"find none wait, and their records grow old. See {source.pages.parameters}",
                )
        timeout, age = invoked.timeout_seconds, self.record_age_seconds(source)
        if timeout is not None and _known(self.retry_attempts):
            longest = (self.retry_attempts + 1) * timeout
            if longest > age:
                Annotations.of(construct).add_warning_v2(
                    "constructs-lib:retries-outlast-record-age",
                    f"{self.retry_attempts:g} retries of a function that may take {timeout:g} seconds last up to "
                    f"{longest:,.0f} seconds, longer than max_record_age of {age:,.0f}: a batch that times out blocks "
                    f"its shard for that long, and its last retries never come. See {source.pages.failures}",
                )


def _known_seconds(name: str, duration: Duration | None) -> float | None:
    """A time that the other one is compared with; CDK too refuses a record age that is known only at deployment."""
    given = _validation.read_seconds(name, duration)
    if duration is not None and given is None:
        raise InvalidPropsError(f"{name} must be known at synth: pass a Duration without tokens.")
    return given


def check_start(position: lambda_.StartingPosition, timestamp: datetime | None, *, source: str) -> None:
    """Refuse a beginning that Lambda does not find.

    Args:
        position: The argument `starting_position`.
        timestamp: The argument `starting_position_timestamp`.
        source: The page that describes them.

    Raises:
        InvalidPropsError: One of them is something else, or the two do not fit.
    """
    _validation.check_member("starting_position", position, lambda_.StartingPosition)
    if position is None:
        raise InvalidPropsError(
            "starting_position must be a StartingPosition, such as StartingPosition.TRIM_HORIZON, got None."
        )
    at_timestamp = position is lambda_.StartingPosition.AT_TIMESTAMP
    if at_timestamp != (timestamp is not None):
        raise InvalidPropsError(
            "starting_position_timestamp requires starting_position=StartingPosition.AT_TIMESTAMP, and the other way "
            f"round, got {getattr(position, 'name', None)} and {timestamp}. See {source}"
        )
    if timestamp is None:
        return
    if not isinstance(timestamp, datetime) or timestamp.tzinfo is None:
        raise InvalidPropsError(
            "starting_position_timestamp must be a datetime with a time zone, such as "
            f"datetime(2026, 1, 31, tzinfo=UTC), got {_validation.shown(timestamp)}. See {source}"
        )


def _known(number: float) -> bool:
    return not _validation.is_unresolved(number)


STARTING_POSITION: Final = lambda_.StartingPosition.TRIM_HORIZON
"""The oldest record that the stream has. A mapping takes minutes to begin, and with LATEST it misses what arrives in
these.
Source: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html"""
