"""Log in with a secret of Secrets Manager."""

from collections.abc import Callable
from importlib import import_module


class SecretLogin:
    """A user and password out of Secrets Manager, read once and again when they are refused.

    There is no age at which the cached secret is read again: only a refusal tells that it has changed, and it
    tells at once. While a single user is rotated, the database knows the new password before the secret does;
    a refused login is therefore worth another look for as long as the caller has time.

    Args:
        secret_id: Name or ARN of a secret whose value is JSON with `username` and `password`.
        fetch: Reads the value of a secret, given its id. None: Secrets Manager through boto3, which is imported
            when it is first needed.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html
    """

    def __init__(self, secret_id: str, fetch: Callable[[str], str] | None = None) -> None:
        self._secret_id = secret_id
        self._fetch = fetch
        self._known: tuple[str, str] | None = None

    def credentials(self) -> tuple[str, str]:
        """Read the secret, or remember it.

        Returns:
            User and password.

        Raises:
            ValueError: The secret is no JSON with `username` and `password`.
        """
        if self._known is None:
            self._known = self._read()
        return self._known

    def renew(self) -> bool:
        """Take in that the credentials were refused, or may be old.

        Returns:
            True: another try may go better.
        """
        self._known = None
        return True

    def _read(self) -> tuple[str, str]:
        import json

        if self._fetch is None:
            client = import_module("boto3").client("secretsmanager")  # slow: 150 ms, paid in secret mode only
            self._fetch = lambda secret_id: client.get_secret_value(SecretId=secret_id)["SecretString"]
        value = self._fetch(self._secret_id)
        try:
            secret = json.loads(value)
            return str(secret["username"]), str(secret["password"])
        except (ValueError, TypeError, KeyError):
            # Not the value, and not the error that quotes it: secrets do not belong into logs.
            raise ValueError(f"{self._secret_id} must be JSON with username and password.") from None
