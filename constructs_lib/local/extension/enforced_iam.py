"""What is missing for IAM to be enforced on a real deployment.

Policies of buckets, queues and topics deny requests without TLS, and here everything goes over plain loopback: that
counts as secure. And the credentials of a function end some time, or no token for a database can be made of them.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

import time
from typing import Any, Final

from ministack import app as gateway
from ministack.services import sts

_CREDENTIALS_SECONDS: Final = 7 * 24 * 3600  # a warm function never gets others: longer than anybody's run


def complete() -> None:
    """Count loopback as secure, and give every session an end."""
    pin_origin = gateway.pin_request_origin
    gateway.pin_request_origin = lambda address, _secure: pin_origin(address, True)
    register = sts.register_session

    def register_until(access_key: str, session: dict[str, Any]) -> None:
        session.setdefault("Expiration", time.time() + _CREDENTIALS_SECONDS)
        register(access_key, session)

    sts.register_session = register_until
