"""A secret or a parameter that a handler keeps between invocations, and reads again in time and when it is refused."""

import os
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from constructs_lib.runtime.aws_errors import may_pass

_RETRY_SECONDS = 10
"""How long a value that could not be read again is used before the next try: each try may take seconds."""
_CONNECT_SECONDS = 1
_READ_SECONDS = 3
_ATTEMPTS = 3
"""boto3's own limits are a minute for each of several tries, which is longer than most functions run."""


class CachedValue:
    """A value that is read from AWS, cached in memory, and read again when it is too old or is refused.

    Create it outside of the handler, so that it is kept between invocations. It is first read by `get` or `use`.
    Threads that need a new value at the same time share one read.

    If AWS does not respond, returns a server error or throttles, the old value is used until it is `max_stale_seconds`
    old, and a warning is logged. If AWS denies the request, for example because a permission or the secret was deleted,
    the error is raised at once.

    The age is measured by the clock: a value in a SnapStart snapshot has the age since it was read.

    Args:
        identifier: The argument of `read`, such as an ARN; messages contain it.
        read: A function that reads the value; it may raise boto3's errors.
        max_age_seconds: How long a value is used before it is read again, at least 0; default 5 minutes.
        max_stale_seconds: How old a value may be that is used because AWS does not respond, at least
            `max_age_seconds`; default 1 hour.
        transform: A function that converts what was read, such as `json.loads`; it is called once for each read.

    Raises:
        ValueError: A number is out of its range.

    Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html,
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html
    """

    def __init__(
        self,
        identifier: str,
        read: Callable[[str], Any],
        *,
        max_age_seconds: float = 300,
        max_stale_seconds: float = 3600,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        if max_age_seconds < 0:
            raise ValueError(f"max_age_seconds must be at least 0, got {max_age_seconds}.")
        if max_stale_seconds < max_age_seconds:
            raise ValueError(
                f"max_stale_seconds must be at least max_age_seconds, {max_age_seconds}, got {max_stale_seconds}."
            )
        self._identifier = identifier
        self._read = read
        self._max_age = max_age_seconds
        self._max_stale = max_stale_seconds
        self._transform = transform
        self._lock = threading.Lock()
        self._known: _Reading | None = None
        self._retry_at = 0.0

    @classmethod
    def secret(
        cls,
        variable: str,
        *,
        max_age_seconds: float = 300,
        max_stale_seconds: float = 3600,
        transform: Callable[[Any], Any] | None = None,
    ) -> "CachedValue":
        """A secret of Secrets Manager.

        Args:
            variable: The environment variable with its ARN or name, which `ParametersAndSecrets.connect` sets.
            max_age_seconds: As for the class.
            max_stale_seconds: As for the class.
            transform: As for the class. Without it, the value is text, or bytes if the secret is binary.

        Returns:
            The secret, which is not read yet.

        Raises:
            ValueError: The variable is not set, or a number is out of its range.
        """
        return cls(
            _variable(variable),
            _secret,
            max_age_seconds=max_age_seconds,
            max_stale_seconds=max_stale_seconds,
            transform=transform,
        )

    @classmethod
    def parameter(
        cls,
        variable: str,
        *,
        max_age_seconds: float = 300,
        max_stale_seconds: float = 3600,
        transform: Callable[[Any], Any] | None = None,
    ) -> "CachedValue":
        """A parameter of Parameter Store, decrypted if it is a SecureString.

        Args:
            variable: The environment variable with its ARN or name, which `ParametersAndSecrets.connect` sets.
            max_age_seconds: As for the class.
            max_stale_seconds: As for the class.
            transform: As for the class. Without it, the value is text; that of a StringList has commas.

        Returns:
            The parameter, which is not read yet.

        Raises:
            ValueError: The variable is not set, or a number is out of its range.
        """
        return cls(
            _variable(variable),
            _parameter,
            max_age_seconds=max_age_seconds,
            max_stale_seconds=max_stale_seconds,
            transform=transform,
        )

    @classmethod
    def feature_flags(
        cls, variable: str, *, max_age_seconds: float = 60, max_stale_seconds: float = 3600
    ) -> "CachedValue":
        """Feature flags of AppConfig: a mapping from their names, such as `{"express": {"enabled": True}}`.

        A poll returns them only if they have changed. During a deployment, the execution environments of a function get
        the new flags at different times.

        Args:
            variable: The environment variable that `FeatureFlags.connect` sets.
            max_age_seconds: As for the class; default 1 minute.
            max_stale_seconds: As for the class.

        Returns:
            The flags, which are not read yet.

        Raises:
            ValueError: The variable is not set, or a number is out of its range.

        Source: https://docs.aws.amazon.com/appconfig/latest/userguide/retrieving-feature-flags.html
        """
        return cls(
            _variable(variable, "FeatureFlags"),
            _Poll(),
            max_age_seconds=max_age_seconds,
            max_stale_seconds=max_stale_seconds,
            transform=lambda content: import_module("json").loads(content),
        )

    def get(self) -> Any:
        """Return the value, and read it first if it was not read yet or is too old.

        Returns:
            The value, converted by `transform`.

        Raises:
            Exception: The value cannot be read, and no old value may still be used: boto3's error.
            ValueError: `transform` has failed.
        """
        return self._current().value

    def use(
        self,
        work: Callable[[Any], Any],
        *,
        refused: type[BaseException] | tuple[type[BaseException], ...],
    ) -> Any:
        """Call `work` with the value; if the value is refused, read it again and call `work` once more.

        `work` is not called again if the value has not changed, because another attempt could lock an account.

        Args:
            work: A function of the value. It must not have had an effect when it raises one of `refused`.
            refused: The exceptions that mean that the value was refused.

        Returns:
            What `work` returns.

        Raises:
            Exception: What `work` raises; what `get` raises.
        """
        reading = self._current()
        try:
            return work(reading.value)
        except refused:
            newer = self._after_refusal(reading)
            if newer is None:
                raise
        return work(newer.value)

    def _current(self) -> "_Reading":
        known = self._known
        if known is not None and self._is_young(known):
            return known
        with self._lock:
            known = self._known  # another thread may have read it meanwhile
            if known is not None and self._is_young(known):
                return known
            return self._read_again(known) or self._read_now()

    def _after_refusal(self, refused: "_Reading") -> "_Reading | None":
        """The value that has replaced the refused one; None if the value has not changed."""
        with self._lock:
            newer = self._known
            if newer is None or newer is refused:
                newer = self._read_again(newer) or self._read_now()
            return None if newer.raw == refused.raw else newer

    def _read_again(self, known: "_Reading | None") -> "_Reading | None":
        """Read a value that is known, or go on with it; None if there is none to go on with."""
        if known is None or not self._is_within(known, self._max_stale):
            return None
        if 0 <= self._retry_at - time.time() <= _RETRY_SECONDS:
            return known
        try:
            return self._read_now()
        except Exception as error:
            if not may_pass(error):
                raise
            import logging

            self._known = known
            self._retry_at = time.time() + _RETRY_SECONDS
            logging.getLogger(__name__).warning(
                "%s could not be read again, and the old value is used: %r", self._identifier, error
            )
            return known

    def _read_now(self) -> "_Reading":
        started = time.time()
        # What AWS refuses, or what cannot be transformed, is not used any longer.
        known, self._known = self._known, None
        try:
            raw = self._read(self._identifier)
        except BaseException as error:
            if not isinstance(getattr(error, "response", None), dict):
                self._known = (
                    known  # AWS has not answered: it was interrupted, by a deadline of the caller's for one
                )
            raise
        self._known = _Reading(raw, self._transformed(raw), started)
        return self._known

    def _transformed(self, raw: Any) -> Any:
        if self._transform is None:
            return raw
        try:
            return self._transform(raw)
        except Exception as error:  # its message may quote the value, which does not belong in logs
            failure = type(error).__name__
        raise ValueError(f"transform has failed for the value of {self._identifier}: {failure}")

    def _is_young(self, known: "_Reading") -> bool:
        return self._is_within(known, self._max_age)

    @staticmethod
    def _is_within(known: "_Reading", seconds: float) -> bool:
        return 0 <= time.time() - known.read_at < seconds  # less than 0: the clock was set back


class _Reading:
    """What was read, and when. Not a tuple, whose `repr` would show the value."""

    __slots__ = ("raw", "read_at", "value")

    def __init__(self, raw: Any, value: Any, read_at: float) -> None:
        self.raw = raw
        self.value = value
        self.read_at = read_at


_clients: dict[str, Any] = {}
_creating = threading.Lock()
"""boto3 can create one client at a time: its default session is not for several threads."""


def _client(service: str) -> Any:
    with _creating:
        if service not in _clients:
            config = import_module("botocore.config").Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            )
            _clients[service] = import_module("boto3").client(service, config=config)
        return _clients[service]


def _secret(identifier: str) -> Any:
    answer = _client("secretsmanager").get_secret_value(SecretId=identifier)
    return answer["SecretString"] if "SecretString" in answer else answer["SecretBinary"]


def _parameter(identifier: str) -> Any:
    return _client("ssm").get_parameter(Name=identifier, WithDecryption=True)["Parameter"]["Value"]


class _Poll:
    """A session of AppConfig. A token is good for one call, within a day: after a failure there is another session."""

    def __init__(self) -> None:
        self._token: str | None = None
        self._content: bytes | None = None

    def __call__(self, identifier: str) -> bytes:
        client = _client("appconfigdata")
        token, self._token = self._token, None
        if token is not None:
            try:
                return self._poll(client, token, identifier)
            except Exception as error:
                if may_pass(error):
                    raise
        application, environment, profile = identifier.split("/")
        session = client.start_configuration_session(
            ApplicationIdentifier=application,
            EnvironmentIdentifier=environment,
            ConfigurationProfileIdentifier=profile,
        )
        return self._poll(client, session["InitialConfigurationToken"], identifier)

    def _poll(self, client: Any, token: str, identifier: str) -> bytes:
        answer = client.get_latest_configuration(ConfigurationToken=token)
        self._content = answer["Configuration"].read() or self._content  # empty: it has not changed
        # Last: if the content is cut off, the next token would go on as if it had been received.
        self._token = answer["NextPollConfigurationToken"]
        if self._content is None:
            raise LookupError(f"nothing is deployed to {identifier} yet.")
        return self._content


def _variable(name: str, construct: str = "ParametersAndSecrets") -> str:
    if value := os.environ.get(name):
        return value
    raise ValueError(f"{name} is not set: {construct}.connect(function) sets it.")
