"""The stream of a table is a resource of its own: who may read one stream may read no other.

MiniStack judges every request to DynamoDB Streams as one for all resources, so that a role whose policy names its
stream is refused.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
"""

import json
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb_streams


def install() -> None:
    """Name the stream of each request."""
    extract = iam_actions.extract_resource_arn

    def with_streams(
        service: str, method: str, path: str, headers: dict[str, Any], body: bytes, *rest: Any
    ) -> str:
        named = _stream(body) if service == "dynamodbstreams" else None
        return named or str(extract(service, method, path, headers, body, *rest))

    iam_actions.extract_resource_arn = with_streams


def _stream(body: bytes) -> str | None:
    asked = json.loads(body or b"{}")
    if "StreamArn" in asked:
        return str(asked["StreamArn"])
    iterator = dynamodb_streams._decode_iterator(asked.get("ShardIterator", ""))
    return iterator.get("arn") if iterator else None
