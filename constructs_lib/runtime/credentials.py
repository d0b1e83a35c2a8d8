"""The execution role's credentials, found without botocore where Lambda gives them."""

import os
import time
from importlib import import_module
from typing import Any, NamedTuple

_REFRESH_SECONDS = 300
_TRIES = 3


class Credentials(NamedTuple):
    """What signs a request: the access key, its secret, and the session's token if there is one.

    Attributes:
        access_key: The access key id.
        secret_key: The secret access key.
        token: The session's token. None for long-term credentials.
    """

    access_key: str
    secret_key: str
    token: str | None


class CredentialSource:
    """Finds credentials as the AWS SDKs do: environment, then Lambda's own endpoint, then everything else.

    An ordinary function has them in its environment. One that was restored from a SnapStart snapshot has an
    endpoint instead, whose credentials expire and are fetched again in time. Anywhere else, on a developer's
    machine for one, botocore knows where to look, and is imported for it.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html
    """

    def __init__(self) -> None:
        self._fetched: Credentials | None = None
        self._good_until = 0.0

    def get(self) -> Credentials:
        """Find the credentials.

        Returns:
            Credentials that are good for some minutes at least.

        Raises:
            RuntimeError: There are none.
        """
        environment = os.environ
        if environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
            return Credentials(
                environment["AWS_ACCESS_KEY_ID"],
                environment["AWS_SECRET_ACCESS_KEY"],
                environment.get("AWS_SESSION_TOKEN") or None,  # empty is none, as for botocore
            )
        if uri := environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            fetched = self._fetched  # another thread may forget it meanwhile
            if fetched is None or time.time() > self._good_until:
                answer = _fetch(uri)
                fetched = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["Token"])
                self._good_until = _seconds(answer["Expiration"]) - _REFRESH_SECONDS
                self._fetched = fetched
            return fetched
        found = import_module("botocore.session").get_session().get_credentials()
        if found is None:
            raise RuntimeError("no AWS credentials found: not in the environment, and botocore knows none.")
        return Credentials(*found.get_frozen_credentials()[:3])

    def forget(self) -> bool:
        """Forget credentials that were fetched.

        Returns:
            True if there were any.
        """
        had = self._fetched is not None
        self._fetched = None
        return had


def _fetch(uri: str) -> Any:
    import json
    from urllib.request import ProxyHandler, Request, build_opener

    token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    if path := os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
        with open(path) as file:  # noqa: PTH123 - pathlib costs milliseconds at a cold start
            token = file.read().strip()
    headers = {"Accept": "application/json"} | ({"Authorization": token} if token else {})
    request = Request(uri, headers=headers)  # noqa: S310 - Lambda's own, from the environment
    opener = build_opener(ProxyHandler({}))  # it is on this machine: a proxy has no part in it
    for left in reversed(range(_TRIES)):
        try:
            with opener.open(request, timeout=2) as answer:
                return json.load(answer)
        except OSError:
            if not left:
                raise
            time.sleep(0.1)
    raise AssertionError


def _seconds(timestamp: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
