"""Log in to an ElastiCache Serverless cache with a token that IAM vouches for: no password exists."""

import os
import time
from typing import Self

from constructs_lib.runtime.credentials import CredentialSource
from constructs_lib.runtime.presigned import presign


class CacheLogin:
    """A user of a serverless cache, whose password is a token signed with the credentials of the function's role.

    It is a `credential_provider` of the clients `valkey` and `redis`, which ask it each time that they connect. A token
    opens connections for 15 minutes. A connection lasts 12 hours at the longest; the client then connects again.
    Signing takes a fraction of a millisecond.

    Args:
        cache_name: The name of the cache: it is what is signed, and not the endpoint.
        user: The user; the role needs `elasticache:Connect` on it and on the cache.
        region: The Region of the cache.
        host: The endpoint of the cache.
        port: Its port.
        credentials: Where the credentials come from.

    Attributes:
        host: The endpoint of the cache.
        port: Its port.

    Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
    """

    def __init__(
        self,
        cache_name: str,
        user: str,
        region: str,
        *,
        host: str,
        port: int = 6379,
        credentials: CredentialSource | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._cache_name = cache_name.lower()  # as ElastiCache keeps it
        self._user = user
        self._region = region
        self._source = credentials or CredentialSource()

    @classmethod
    def from_environment(cls, prefix: str = "CACHE") -> Self:
        """Make it of the variables that `ServerlessCache.connect` gave to the function.

        Args:
            prefix: The `environment_prefix` given to `connect`.

        Returns:
            The login; nothing is signed yet.

        Raises:
            ValueError: A variable is missing.
        """
        return cls(
            _variable(f"{prefix}_NAME"),
            _variable(f"{prefix}_USER"),
            _variable("AWS_REGION"),
            host=_variable(f"{prefix}_HOST"),
            port=int(_variable(f"{prefix}_PORT")),
        )

    def get_credentials(self) -> tuple[str, str]:
        """Sign a token.

        Returns:
            User and token.

        Raises:
            RuntimeError: There are no AWS credentials.
        """
        action = {"Action": "connect", "User": self._user, "ResourceType": "ServerlessCache"}
        signed = presign(
            self._cache_name, action, "elasticache", self._region, self._source.get(), at=time.gmtime()
        )
        return self._user, f"{self._cache_name}/?{signed}"

    async def get_credentials_async(self) -> tuple[str, str]:
        """Sign a token, for the asynchronous clients.

        Returns:
            User and token.
        """
        return self.get_credentials()


def _variable(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise ValueError(f"{name} is not set: ServerlessCache.connect(function) sets it.")
