from collections.abc import Iterator

import botocore.exceptions
import handler
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.stub import Stubber

KEY = "receipts/trip-00c0ffee.json"
EVENT = {
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "receipts-bucket"}, "object": {"key": KEY}},
}
COPIED = {
    "Bucket": "archive-bucket",
    "Key": KEY,
    "CopySource": {"Bucket": "receipts-bucket", "Key": KEY},
}


@pytest.fixture(autouse=True)
def buckets() -> Iterator[Stubber]:
    """Refuses every copy that is not the one expected."""
    with Stubber(handler.s3) as stubber:
        yield stubber


def test_a_new_receipt_is_copied_under_its_own_key(buckets: Stubber, lambda_context: LambdaContext) -> None:
    buckets.add_response("copy_object", {}, COPIED)
    handler.handle(EVENT, lambda_context)
    buckets.assert_no_pending_responses()


def test_what_s3_refuses_is_an_error_so_that_lambda_tries_again(
    buckets: Stubber, lambda_context: LambdaContext
) -> None:
    buckets.add_client_error("copy_object", "SlowDown", http_status_code=400)
    with pytest.raises(botocore.exceptions.ClientError, match="SlowDown"):
        handler.handle(EVENT, lambda_context)
