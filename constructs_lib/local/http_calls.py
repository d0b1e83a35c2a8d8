"""Plain HTTP requests to an API on the local cloud, signed ones too."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from constructs_lib.local.cloud import ACCOUNT, REGION, LocalCloud

JSON = {"content-type": "application/json"}
_SECONDS = 900
"""A slow machine may take long; how long an API lets its function run is not for the client to say."""

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True)
class Answer:
    """The answer to a request.

    Attributes:
        status: The HTTP status.
        headers: The headers, with their names in lower case.
        body: The body, undecoded.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


def call(
    url: str, *, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request.

    Args:
        url: The URL; `LocalCloud.api_url` makes it from a stack's output.
        method: The HTTP method.
        body: The body; None for an empty one.
        headers: The headers.

    Returns:
        The answer; an error status raises nothing.
    """
    request = urllib.request.Request(url, data=body, method=method, headers=dict(headers or {}))  # noqa: S310
    try:
        with _open(request, timeout=_SECONDS) as got:
            status, out, read = got.status, got.headers, got.read()
    except urllib.error.HTTPError as error:
        with error:
            status, out, read = error.code, error.headers, error.read()
    return Answer(status, {name.lower(): value for name, value in out.items()}, read)


class Caller:
    """An IAM user that calls APIs.

    Args:
        cloud: The cloud to create the user in. It needs `enforce_iam=True`; otherwise all calls are allowed.
        name: The name of the user.
        account: The account of the user, and of the APIs.
        region: The Region of the APIs.
    """

    def __init__(self, cloud: LocalCloud, name: str, *, account: str = ACCOUNT, region: str = REGION) -> None:
        self._iam = cloud.client("iam", account=account)
        self._name = name
        self._region = region
        self._iam.create_user(UserName=name)
        key = self._iam.create_access_key(UserName=name)["AccessKey"]
        self._credentials = botocore.credentials.Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def allow_only(self, *actions: str, on: str) -> None:
        """Let the user take these actions, and no others from now on.

        Args:
            actions: The actions, such as `execute-api:Invoke`.
            on: The resource that they are for, such as `arn:aws:execute-api:*:*:*/prod/GET/*`.
        """
        statement = {"Effect": "Allow", "Action": actions, "Resource": on}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._iam.put_user_policy(UserName=self._name, PolicyName="all", PolicyDocument=document)

    def call(
        self,
        url: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        service: str = "execute-api",
    ) -> Answer:
        """Send one request, signed for API Gateway or another service.

        Args:
            url: The URL; `LocalCloud.api_url` makes it from a stack's output.
            method: The HTTP method.
            body: The body; None for an empty one.
            headers: The headers, which are signed too.
            service: What the signature is for: `lambda` for a function URL.

        Returns:
            The answer.
        """
        request = botocore.awsrequest.AWSRequest(
            method=method, url=url, data=body, headers=dict(headers or {})
        )
        botocore.auth.SigV4Auth(self._credentials, service, self._region).add_auth(request)
        return call(url, method=method, body=body, headers=dict(request.headers))
