"""What a function's answer means for a batch of a stream: how far the batch has succeeded.

With `ReportBatchItemFailures`, an empty answer and an empty list are a success, and the lowest sequence number of the
list is where the batch has failed. An identifier that is empty, null or not of this batch fails all of it. So does
an answer that is not an object; AWS's pages list it for no stream, and for SQS they call it an invalid response.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from collections.abc import Sequence
from typing import Any


def first_failed(body: Any, sequence: Sequence[str]) -> int | None:
    """Find the first record that has failed, in the answer of a function that did not raise.

    Args:
        body: The answer.
        sequence: The sequence numbers of the batch, in their order.

    Returns:
        The record's place in the batch: 0 where the whole batch has failed. None after a success.
    """
    if body is None or body in ("", {}):
        return None
    if not isinstance(body, dict):
        return 0
    failures = body.get("batchItemFailures")
    if failures is None or failures == []:
        return None
    if not isinstance(failures, list):
        return 0
    places = [_place(failure, sequence) for failure in failures]
    return min(places)


def _place(failure: Any, sequence: Sequence[str]) -> int:
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return sequence.index(identifier) if identifier in sequence else 0
