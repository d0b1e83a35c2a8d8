import io
import json
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import handler
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.response import StreamingBody
from botocore.stub import Stubber

TRIP = "trip-00c0ffee"
ASKED = {"Bucket": "archive-bucket", "Key": f"receipts/{TRIP}.json"}
DOCUMENT = b'{"trip_id":"trip-00c0ffee","fare":"12.30"}'


@pytest.fixture(autouse=True)
def bucket() -> Iterator[Stubber]:
    """Refuses every call that is not the one expected."""
    with Stubber(handler.s3) as stubber:
        yield stubber


def request(path: str, method: str = "GET") -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "isBase64Encoded": False,
        "requestContext": {
            "requestId": "request-1",
            "stage": "$default",
            "http": {"method": method, "path": path},
        },
    }


def test_a_receipt_is_as_it_is_in_the_archive(bucket: Stubber, lambda_context: LambdaContext) -> None:
    bucket.add_response("get_object", {"Body": StreamingBody(io.BytesIO(DOCUMENT), len(DOCUMENT))}, ASKED)
    answer = handler.handle(request(f"/{TRIP}"), lambda_context)
    assert (answer["statusCode"], answer["body"]) == (200, DOCUMENT.decode())
    assert answer["headers"]["Content-Type"] == "application/json"


def test_a_trip_without_a_receipt_is_not_found(bucket: Stubber, lambda_context: LambdaContext) -> None:
    bucket.add_client_error("get_object", "NoSuchKey", http_status_code=404, expected_params=ASKED)
    answer = handler.handle(request(f"/{TRIP}"), lambda_context)
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["message"] == f"no receipt of trip {TRIP}"


def test_no_other_object_can_be_asked_for(lambda_context: LambdaContext) -> None:
    assert handler.handle(request(f"/other/{TRIP}"), lambda_context)["statusCode"] == 404
    assert handler.handle(request(f"/{TRIP}", "POST"), lambda_context)["statusCode"] == 404


def test_what_s3_refuses_is_an_error_so_that_the_alarm_sees_it(
    bucket: Stubber, lambda_context: LambdaContext
) -> None:
    bucket.add_client_error("get_object", "AccessDenied", http_status_code=403)
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        handler.handle(request(f"/{TRIP}"), lambda_context)
