"""Log in with a secret of Secrets Manager."""

from collections.abc import Callable
from importlib import import_module

from constructs_lib.runtime.aws_errors import may_pass
from constructs_lib.runtime.database import LoginUnavailableError


class SecretLogin:
    """A user and password out of Secrets Manager, read once and again when they are refused.

    There is no age at which the cached secret is read again: only a refusal tells that it has changed, and it
    tells at once. While a single user is rotated, the database knows the new password before the secret does;
    a refused login is therefore worth another look for as long as the caller has time.

    Args:
        secret_id: Name or ARN of a secret whose value is JSON with `username` and `password`.
        fetch: Reads the value of a secret, given its id; may raise `LoginUnavailableError`, or boto3's errors. None:
            Secrets Manager through boto3, which is imported when it is first needed.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html
    """

    def __init__(self, secret_id: str, fetch: Callable[[str], str] | None = None) -> None:
        self._secret_id = secret_id
        self._fetch = fetch
        self._known: tuple[str, str] | None = None

    def credentials(self, seconds: float) -> tuple[str, str]:
        """Read the secret, or remember it.

        Args:
            seconds: How long boto3 may try.

        Returns:
            User and password.

        Raises:
            LoginUnavailableError: Secrets Manager does not answer, has an error of its own, or throttles.
            ValueError: The secret is not JSON with `username` and `password`.
        """
        known = self._known
        if known is None:
            known = self._known = self._read(seconds)
        return known

    def renew(self) -> bool:
        """Note that the credentials were refused, or may be old.

        Returns:
            True: another try may go better.
        """
        self._known = None
        return True

    def accepted(self) -> None:
        """Note that the credentials were accepted."""

    def _read(self, seconds: float) -> tuple[str, str]:
        import json

        try:
            value = self._fetch(self._secret_id) if self._fetch else _from_aws(self._secret_id, seconds)
        except Exception as error:
            if may_pass(error):
                raise LoginUnavailableError(f"{self._secret_id} could not be read: {error}") from error
            raise
        try:
            secret = json.loads(value)
            user, password = secret["username"], secret["password"]
            if isinstance(user, str) and isinstance(password, str):
                return user, password
        except (ValueError, TypeError, KeyError):
            pass
        # Not the value, and not the error that quotes it: secrets do not belong in logs.
        raise ValueError(f"{self._secret_id} must be JSON with username and password, both texts.") from None


def _from_aws(secret_id: str, seconds: float) -> str:
    # Its own limits are a minute for each try, and several tries; the caller tries again. The first one counts for
    # each of several addresses, where there is no way to any.
    connect = min(1, seconds / 2)
    config = import_module("botocore.config").Config(
        connect_timeout=connect, read_timeout=seconds - connect, retries={"total_max_attempts": 1}
    )
    client = import_module("boto3").client(
        "secretsmanager", config=config
    )  # slow: 150 ms, in secret mode only
    return str(client.get_secret_value(SecretId=secret_id)["SecretString"])
