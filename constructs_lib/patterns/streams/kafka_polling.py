"""How Lambda polls a Kafka topic, and what it does with a batch that fails: the arguments of a consumer."""

from dataclasses import dataclass
from datetime import UTC, datetime

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.patterns.streams.reading import check_start


@dataclass(frozen=True, kw_only=True)
class KafkaPolling:
    """The arguments as they were passed; `check` comes before anything is created."""

    batch_size: float
    max_batching_window: Duration | None
    starting_position: lambda_.StartingPosition
    starting_position_timestamp: datetime | None
    minimum_pollers: float | None
    maximum_pollers: float | None
    poller_group: str | None
    retry_attempts: float | None
    max_record_age: Duration | None
    schema_registry: lambda_.ISchemaRegistry | None
    dead_letter_topic: str | None
    mapping_metrics: bool | None

    @property
    def is_provisioned(self) -> bool:
        """Whether the mapping has event pollers of its own."""
        return self.minimum_pollers is not None or self.maximum_pollers is not None

    @property
    def has_metrics(self) -> bool:
        """Whether the mapping has metrics of its own.

        Source: https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-lambda-event-sources/README.md
        """
        return self.is_provisioned and self.mapping_metrics is not False

    @property
    def retries(self) -> float | None:
        """How many times a batch is retried; None if Lambda decides."""
        if self.retry_attempts is None and self.is_provisioned:
            return _defaults.STREAM_RETRY_ATTEMPTS
        return self.retry_attempts

    def check(self, topic: str) -> None:
        """Refuse what Lambda refuses.

        Args:
            topic: What is polled.

        Raises:
            InvalidPropsError: An argument is out of its range, or requires provisioned mode.
        """
        for name, value, low, high, page in (
            ("batch_size", self.batch_size, 1, _defaults.STREAM_BATCH_SIZE_MAX, _defaults.KAFKA_PARAMETERS),
            ("minimum_pollers", self.minimum_pollers, _defaults.KAFKA_POLLERS_MIN, _defaults.MINIMUM_POLLERS_MAX,
             _defaults.KAFKA_SCALING),
            ("maximum_pollers", self.maximum_pollers, _defaults.KAFKA_POLLERS_MIN, _defaults.MAXIMUM_POLLERS_MAX,
             _defaults.KAFKA_SCALING),
            ("retry_attempts", self.retry_attempts, 0, _defaults.STREAM_RETRY_ATTEMPTS_MAX, _defaults.KAFKA_RETRIES),
        ):  # fmt: skip
            _validation.check_range(name, value, low, high, whole=True, source=page)
        for name, duration, low, high, page in (
            ("max_batching_window", self.max_batching_window, 0, _defaults.BATCHING_WINDOW_SECONDS_MAX,
             _defaults.KAFKA_PARAMETERS),
            ("max_record_age", self.max_record_age, _defaults.RECORD_AGE_SECONDS_MIN, _defaults.RECORD_AGE_SECONDS_MAX,
             _defaults.KAFKA_RETRIES),
        ):  # fmt: skip
            _validation.read_seconds(name, duration, low=low, high=high, whole="seconds", source=page)
        self._check_start()
        self._check_pollers()
        self._check_dead_letter_topic(topic)
        _validation.check_part(
            "schema_registry",
            self.schema_registry,
            "bind",
            "a schema registry, such as aws_lambda_event_sources.GlueSchemaRegistry(...)",
        )
        if self.mapping_metrics is not None:
            _validation.check_flag("mapping_metrics", self.mapping_metrics)
        self._check_mode()

    def _check_start(self) -> None:
        check_start(
            self.starting_position, self.starting_position_timestamp, source=_defaults.KAFKA_POSITIONS
        )
        timestamp = self.starting_position_timestamp
        if timestamp is not None and timestamp > datetime.now(UTC):
            raise InvalidPropsError(
                f"starting_position_timestamp must not be in the future, got {timestamp}. "
                f"See {_defaults.CREATE_MAPPING}"
            )

    def _check_pollers(self) -> None:
        least, most, group = self.minimum_pollers, self.maximum_pollers, self.poller_group
        if least is not None and most is not None:
            known = not (_validation.is_unresolved(least) or _validation.is_unresolved(most))
            if known and least > most:
                raise InvalidPropsError(
                    f"minimum_pollers must not be above maximum_pollers, got {least:g} > {most:g}. "
                    f"See {_defaults.KAFKA_SCALING}"
                )
        if group is not None:
            _validation.check_text("poller_group", group)
            _validation.check_pattern(
                "poller_group",
                group,
                _defaults.POLLER_GROUP_PATTERN,
                "1 to 128 letters, digits, - and _",
                source=_defaults.KAFKA_SCALING,
            )

    def _check_dead_letter_topic(self, topic: str) -> None:
        dead = self.dead_letter_topic
        if dead is None:
            return
        check_topic("dead_letter_topic", dead)
        if dead == topic:
            raise InvalidPropsError(
                f"dead_letter_topic must be another topic than {topic!r}, which is consumed: Lambda refuses the loop. "
                f"See {_defaults.KAFKA_DEAD_LETTERS}"
            )

    def _check_mode(self) -> None:
        if self.is_provisioned:
            return
        given = [
            name
            for name, value in (
                ("poller_group", self.poller_group),
                ("retry_attempts", self.retry_attempts),
                ("max_record_age", self.max_record_age),
                ("schema_registry", self.schema_registry),
                ("dead_letter_topic", self.dead_letter_topic),
                ("mapping_metrics", self.mapping_metrics or None),
            )
            if value is not None
        ]
        if given:
            raise InvalidPropsError(
                f"{' and '.join(given)} requires minimum_pollers or maximum_pollers: Lambda has it in provisioned mode "
                f"alone. See {_defaults.KAFKA_SCALING}"
            )


def check_topic(name: str, topic: str) -> None:
    """Refuse what Lambda does not take for a topic.

    Args:
        name: The argument, as the user wrote it.
        topic: What was given.

    Raises:
        InvalidPropsError: It is something else.
    """
    _validation.check_text(name, topic)
    _validation.check_pattern(
        name,
        topic,
        _defaults.KAFKA_TOPIC_PATTERN,
        "2 to 249 letters, digits, . _ and -, and not begin with a dot",
        source=_defaults.KAFKA_PARAMETERS,
    )
