"""A presigned request, which services of AWS take for a password. For the logins of this package only."""

import time
from collections.abc import Mapping

from constructs_lib.runtime.credentials import Credentials

TOKEN_SECONDS = 900
"""How long a token opens connections: 15 minutes, the most that RDS and ElastiCache take."""

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def presign(
    address: str,
    action: Mapping[str, str],
    service: str,
    region: str,
    credentials: Credentials,
    *,
    at: time.struct_time,
) -> str:
    """Sign a GET of `/`, byte for byte as botocore does.

    Args:
        address: The name of the host, as it is signed.
        action: The parameters that name what is allowed.
        service: The service, as signatures name it.
        region: Its Region.
        credentials: The AWS credentials to sign with.
        at: The time in UTC.

    Returns:
        The query string, with its signature.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    import hashlib
    import hmac

    moment = time.strftime("%Y%m%dT%H%M%SZ", at)
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    query = {
        **action,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{credentials.access_key}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": str(TOKEN_SECONDS),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.token is not None:
        query["X-Amz-Security-Token"] = credentials.token
    pairs = [f"{name}={_quote(value)}" for name, value in query.items()]
    nothing = hashlib.sha256(b"").hexdigest()
    request = f"GET\n/\n{'&'.join(sorted(pairs))}\nhost:{address}\n\nhost\n{nothing}"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{'&'.join(pairs)}&X-Amz-Signature={key.hex()}"


def _quote(text: str) -> str:
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())
