"""A bucket invokes a function only with the permission of just the function, version or alias that it names.

MiniStack checks no permission.
Source: https://docs.aws.amazon.com/lambda/latest/dg/with-s3.html
"""

import logging
from typing import Any

from ministack.services import s3

from ..lambda_ import resource_policy

_log = logging.getLogger(__name__)


def install() -> None:
    """Check the permission before an event is delivered."""
    deliver = s3._deliver_event_to_lambda

    def deliver_if_allowed(arn: str, event: dict[str, Any], region: str) -> None:
        bucket = event["Records"][0]["s3"]["bucket"]["arn"]
        if resource_policy.allows(arn, "s3.amazonaws.com", bucket):
            deliver(arn, event, region)
        else:
            _log.warning("%s is not allowed to invoke %s", bucket, arn)

    s3._deliver_event_to_lambda = deliver_if_allowed
