"""Log in with a token that IAM vouches for: no password exists."""

import time

from constructs_lib.runtime.credentials import Credentials, CredentialSource
from constructs_lib.runtime.presigned import presign

_SECONDS_UNTIL_KNOWN = 30


class IamLogin:
    """A user whose password is a token, signed at each opening with the credentials of the function's role.

    A token opens connections for 15 minutes, and a connection outlives it. Signing takes a fraction of a
    millisecond, where importing boto3 for it would take 150.

    Args:
        host: The endpoint that is connected to: it is part of what is signed.
        port: Its port.
        user: The database user; the role needs `rds-db:connect` on it.
        region: Where the database is.
        credentials: Where the credentials come from.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
    """

    def __init__(
        self, host: str, port: int, user: str, region: str, *, credentials: CredentialSource | None = None
    ) -> None:
        self._host = host
        self._port = port
        self._user = user
        self._region = region
        self._source = credentials or CredentialSource()
        self._first_refused_at: float | None = None

    def credentials(self, seconds: float) -> tuple[str, str]:  # noqa: ARG002 - signing takes no time
        """Sign a token.

        Args:
            seconds: As for `Login`.

        Returns:
            User and token.

        Raises:
            RuntimeError: There are no AWS credentials.
        """
        return self._user, sign(
            self._host, self._port, self._user, self._region, self._source.get(), at=time.gmtime()
        )

    def renew(self) -> bool:
        """Note that the token was refused, or may be old.

        Returns:
            True if other credentials may sign a better one; and for half a minute after the first refusal in a row,
            since IAM takes some seconds until it knows a new permission everywhere, and refuses while too many log
            in at once. False after that: the next token would be as good as this one, the role lacks
            `rds-db:connect`, and trying again would only hide it.
        """
        now = time.monotonic()
        if self._first_refused_at is None:
            self._first_refused_at = now
        return self._source.forget() or now - self._first_refused_at < _SECONDS_UNTIL_KNOWN

    def accepted(self) -> None:
        """Note that the token was accepted: the next refusal is the first one again."""
        self._first_refused_at = None


def sign(
    host: str, port: int, user: str, region: str, credentials: Credentials, *, at: time.struct_time
) -> str:
    """Sign a token, byte for byte as botocore's `generate_db_auth_token` does. For `IamLogin` and its benchmark only.

    Args:
        host: The endpoint of the proxy or database.
        port: Its port.
        user: The database user.
        region: The Region of the database.
        credentials: The AWS credentials to sign with.
        at: The time in UTC.

    Returns:
        The token: a presigned URL without its scheme.
    """
    # botocore signs the name as it is in HTTP: without the port of HTTPS.
    address = host.lower() if port == 443 else f"{host.lower()}:{port}"
    action = {"Action": "connect", "DBUser": user}
    return f"{host}:{port}/?{presign(address, action, 'rds-db', region, credentials, at=at)}"
