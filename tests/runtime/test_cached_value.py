"""A secret is read once, again in time, and again when it is refused; threads share a read."""

import json
import logging
import threading
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, IncompleteReadError

from constructs_lib.runtime import cached_value
from constructs_lib.runtime.cached_value import CachedValue


class Store:
    """Stands for Secrets Manager: what it answers, and how often it was asked."""

    def __init__(self) -> None:
        self.value = "first"
        self.error: BaseException | None = None
        self.reads = 0

    def read(self, identifier: str) -> str:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.value


class RefusedError(Exception):
    """The other side does not take the value."""


UNAVAILABLE = ConnectTimeoutError(endpoint_url="https://secretsmanager.example")
DENIED = ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue")
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException"}}, "GetParameter")


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass on the clock of the module."""
    offset = [0.0]
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + offset[0])

    def let_pass(seconds: float) -> None:
        offset[0] += seconds

    return let_pass


def test_nothing_is_read_before_it_is_needed_and_once_after(store: Store) -> None:
    value = CachedValue("key", store.read)
    assert store.reads == 0
    assert [value.get() for _ in range(3)] == ["first"] * 3
    assert store.reads == 1


def test_it_is_read_again_at_its_age(store: Store, wait: Callable[[float], None]) -> None:
    value = CachedValue("key", store.read, max_age_seconds=60)
    assert value.get() == "first"
    store.value = "second"
    wait(59)
    assert value.get() == "first"
    wait(2)
    assert value.get() == "second"
    assert store.reads == 2


def test_a_clock_that_is_set_back_makes_nothing_young(store: Store, wait: Callable[[float], None]) -> None:
    value = CachedValue("key", store.read)
    value.get()
    wait(-1000)
    store.value = "second"
    assert value.get() == "second"


def test_without_an_age_it_is_read_each_time(store: Store) -> None:
    value = CachedValue("key", store.read, max_age_seconds=0)
    assert [value.get(), value.get()] == ["first", "first"]
    assert store.reads == 2


def test_a_refused_value_is_read_once_more_and_tried_once_more(store: Store) -> None:
    value = CachedValue("key", store.read)
    value.get()
    store.value, tried = "second", []

    def work(key: str) -> str:
        tried.append(key)
        if key == "first":
            raise RefusedError
        return f"with {key}"

    assert value.use(work, refused=RefusedError) == "with second"
    assert tried == ["first", "second"]
    assert store.reads == 2
    assert value.get() == "second"


def test_a_second_refusal_is_raised(store: Store) -> None:
    value = CachedValue("key", store.read)
    value.get()
    store.value, tried = "second", []

    def work(key: str) -> None:
        tried.append(key)
        raise RefusedError(key)

    with pytest.raises(RefusedError, match="second"):
        value.use(work, refused=(KeyError, RefusedError))
    assert tried == ["first", "second"]


def test_a_refused_value_that_has_not_changed_is_not_tried_again(store: Store) -> None:
    value, tried = CachedValue("key", store.read), []

    def work(key: str) -> None:
        tried.append(key)
        raise RefusedError

    with pytest.raises(RefusedError):
        value.use(work, refused=RefusedError)
    assert (tried, store.reads) == (["first"], 2)


def test_another_error_is_not_a_refusal(store: Store) -> None:
    value = CachedValue("key", store.read)

    def work(key: str) -> None:
        raise KeyError(key)

    with pytest.raises(KeyError):
        value.use(work, refused=RefusedError)
    assert store.reads == 1


def test_a_refusal_while_aws_does_not_answer_is_the_refusal(store: Store) -> None:
    value = CachedValue("key", store.read)
    value.get()
    store.error = UNAVAILABLE

    def work(key: str) -> None:
        raise RefusedError

    with pytest.raises(RefusedError):
        value.use(work, refused=RefusedError)
    assert value.get() == "first"


def in_threads(count: int, work: Callable[[], Any]) -> list[Any]:
    """Run the same in several threads that start together; their results, or their errors."""
    barrier, results = threading.Barrier(count), []

    def run() -> None:
        barrier.wait()
        try:
            results.append(work())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_threads_share_the_first_read(store: Store) -> None:
    def slow(identifier: str) -> str:
        time.sleep(0.05)
        return store.read(identifier)

    value = CachedValue("key", slow)
    assert in_threads(8, value.get) == ["first"] * 8
    assert store.reads == 1


def test_threads_share_the_read_after_a_refusal(store: Store) -> None:
    value = CachedValue("key", store.read)
    value.get()
    store.value = "second"
    refused = threading.Barrier(8)

    def work(key: str) -> str:
        if key == "first":
            refused.wait()  # all of them, before any reads again
            raise RefusedError
        return key

    assert in_threads(8, lambda: value.use(work, refused=RefusedError)) == ["second"] * 8
    assert store.reads == 2


@pytest.mark.parametrize("error", [UNAVAILABLE, THROTTLED], ids=["no answer", "throttled"])
def test_an_old_value_is_used_while_aws_does_not_answer(
    store: Store, wait: Callable[[float], None], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    value = CachedValue("the-key", store.read, max_age_seconds=60, max_stale_seconds=600)
    value.get()
    store.error = error
    wait(100)
    with caplog.at_level(logging.WARNING):
        assert [value.get(), value.get()] == ["first", "first"]
    assert store.reads == 2  # each try may take seconds: not at each invocation
    (record,) = caplog.records
    assert "the-key could not be read again" in record.getMessage()
    assert "first" not in record.getMessage()
    wait(11)
    value.get()
    assert store.reads == 3
    wait(600)
    with pytest.raises(type(error)):
        value.get()
    store.error, store.value = None, "second"
    assert value.get() == "second"


def test_what_aws_refuses_is_not_used_any_longer(store: Store, wait: Callable[[float], None]) -> None:
    value = CachedValue("key", store.read, max_age_seconds=60)
    value.get()
    store.error = DENIED
    wait(61)
    for _ in range(2):
        with pytest.raises(ClientError, match="AccessDenied"):
            value.get()


def test_without_a_value_the_error_is_raised(store: Store) -> None:
    store.error = UNAVAILABLE
    with pytest.raises(ConnectTimeoutError):
        CachedValue("key", store.read).get()


def test_it_is_transformed_once_a_read(store: Store) -> None:
    store.value = '{"card": 0.02}'
    value = CachedValue("fees", store.read, transform=json.loads)
    assert value.get() == {"card": 0.02}
    assert value.get() is value.get()


def test_a_value_that_cannot_be_transformed_is_not_shown(store: Store) -> None:
    store.value = "hidden-thing"

    def transform(text: str) -> None:
        raise ValueError(f"no JSON: {text}")

    with pytest.raises(ValueError, match="transform has failed for the value of key: ValueError") as caught:
        CachedValue("key", store.read, transform=transform).get()
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "interruption", [KeyboardInterrupt(), TimeoutError("a deadline of the caller")], ids=repr
)
def test_a_read_that_is_interrupted_takes_nothing_away(
    store: Store, wait: Callable[[float], None], interruption: BaseException
) -> None:
    """AWS has not refused: the old value is still there for the time in which it does not answer."""
    value = CachedValue("key", store.read)
    value.get()
    wait(301)
    store.error = interruption
    with pytest.raises(type(interruption)):
        value.get()
    store.error = UNAVAILABLE
    assert value.get() == "first"


def test_a_reading_does_not_show_its_value(store: Store) -> None:
    value = CachedValue("key", store.read)
    value.get()
    assert "first" not in repr(vars(value))


class CutOff:
    """A body of an answer whose connection ends before it."""

    def read(self) -> bytes:
        raise IncompleteReadError(actual_bytes=3, expected_bytes=31)


class AppConfig:
    """Stands for the data plane of AppConfig: sessions, whose tokens are good for one call."""

    def __init__(self) -> None:
        self.content = b'{"express": {"enabled": false}}'
        self.error: Exception | None = None
        self.is_cut_off = False
        self.calls: list[str] = []
        self._tokens: dict[str, bytes | None] = {}
        """What each token's session has received."""

    def start_configuration_session(self, **identifiers: str) -> dict[str, str]:
        self.calls.append("/".join(identifiers.values()))
        return {"InitialConfigurationToken": self._token(None)}

    def get_latest_configuration(self, ConfigurationToken: str) -> dict[str, Any]:  # noqa: N803
        self.calls.append("poll")
        if ConfigurationToken not in self._tokens:
            raise ClientError({"Error": {"Code": "BadRequestException"}}, "GetLatestConfiguration")
        received = self._tokens.pop(ConfigurationToken)
        if self.error is not None:
            raise self.error
        changed = b"" if self.content == received else self.content
        body = CutOff() if self.is_cut_off else BytesIO(changed)
        return {"Configuration": body, "NextPollConfigurationToken": self._token(self.content)}

    def forget(self) -> None:
        """Let the tokens expire."""
        self._tokens.clear()

    def _token(self, received: bytes | None) -> str:
        token = f"token-{len(self.calls)}"
        self._tokens[token] = received
        return token


@pytest.fixture
def appconfig(monkeypatch: pytest.MonkeyPatch) -> AppConfig:
    made = AppConfig()
    monkeypatch.setattr(cached_value, "_client", lambda service: made)
    monkeypatch.setenv("FEATURE_FLAGS", "application/live/profile")
    return made


def test_flags_are_received_once_and_when_they_change(
    appconfig: AppConfig, wait: Callable[[float], None]
) -> None:
    flags = CachedValue.feature_flags("FEATURE_FLAGS")
    assert flags.get() == {"express": {"enabled": False}}
    wait(61)
    assert flags.get() == {"express": {"enabled": False}}
    appconfig.content = b'{"express": {"enabled": true}}'
    assert flags.get() == {"express": {"enabled": False}}
    wait(61)
    assert flags.get() == {"express": {"enabled": True}}
    assert appconfig.calls == ["application/live/profile", "poll", "poll", "poll"]


def test_a_token_that_has_expired_begins_another_session(
    appconfig: AppConfig, wait: Callable[[float], None]
) -> None:
    flags = CachedValue.feature_flags("FEATURE_FLAGS")
    flags.get()
    appconfig.forget()
    wait(61)
    assert flags.get() == {"express": {"enabled": False}}
    assert appconfig.calls[2:] == ["poll", "application/live/profile", "poll"]


def test_a_token_that_was_used_is_not_used_again(appconfig: AppConfig, wait: Callable[[float], None]) -> None:
    flags = CachedValue.feature_flags("FEATURE_FLAGS")
    flags.get()
    appconfig.error = UNAVAILABLE
    wait(61)
    assert flags.get() == {"express": {"enabled": False}}
    appconfig.error = None
    wait(11)
    assert flags.get() == {"express": {"enabled": False}}
    assert appconfig.calls[2:] == ["poll", "application/live/profile", "poll"]


def test_flags_whose_answer_is_cut_off_are_received_again(
    appconfig: AppConfig, wait: Callable[[float], None]
) -> None:
    """For AppConfig they were received: the token of that answer would get nothing until they change once more."""
    flags = CachedValue.feature_flags("FEATURE_FLAGS")
    flags.get()
    appconfig.content = b'{"express": {"enabled": true}}'
    appconfig.is_cut_off = True
    wait(61)
    assert flags.get() == {"express": {"enabled": False}}
    appconfig.is_cut_off = False
    wait(11)
    assert flags.get() == {"express": {"enabled": True}}


def test_flags_that_are_not_deployed_yet_are_an_error(appconfig: AppConfig) -> None:
    appconfig.content = b""
    with pytest.raises(LookupError, match="nothing is deployed to application/live/profile yet"):
        CachedValue.feature_flags("FEATURE_FLAGS").get()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"max_age_seconds": -1}, "max_age_seconds must be at least 0, got -1"),
        (
            {"max_age_seconds": 60, "max_stale_seconds": 59},
            "max_stale_seconds must be at least max_age_seconds, 60, got 59",
        ),
    ],
)
def test_numbers_that_cannot_be(store: Store, numbers: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CachedValue("key", store.read, **numbers)


@pytest.mark.parametrize(
    ("make", "construct"),
    [
        (CachedValue.secret, "ParametersAndSecrets"),
        (CachedValue.parameter, "ParametersAndSecrets"),
        (CachedValue.feature_flags, "FeatureFlags"),
    ],
)
def test_a_variable_that_is_missing_is_named(make: Any, construct: str) -> None:
    with pytest.raises(ValueError, match=rf"PLACE is not set: {construct}\.connect"):
        make("PLACE")
