"""Time runs faster for a message that failed: its visibility timeout, once the batch is over.

On AWS a failed message shows up again when its visibility timeout ends: with six times the function's timeout,
that is minutes. While a batch is in work nothing is changed, so no message is ever handed out twice because of
this; the queue's own attribute reads as it was deployed. On a slow machine, where a batch takes longer, its messages
are hidden for longer by as much.
"""

import time
from typing import Any

from ministack.services import lambda_svc, sqs

from ..process import pace


def install(*, time_scale: float) -> None:
    """Divide what is left of the visibility timeout of failed messages.

    Args:
        time_scale: Divided by; 1 is AWS's own pace.
    """
    run = lambda_svc._run_sqs_batch

    def run_then_shorten(
        esm: dict[str, Any],
        func: dict[str, Any],
        event: dict[str, Any],
        batch: list[dict[str, Any]],
        *rest: Any,
    ) -> None:
        handles = {message["id"]: message["receipt_handle"] for message in batch}
        slowness = pace.slowness()
        with sqs._queues_lock:
            _hide(batch, handles, slowness)
        run(esm, func, event, batch, *rest)
        with sqs._queues_lock:
            _hide(batch, handles, 1 / slowness / time_scale)

    lambda_svc._run_sqs_batch = run_then_shorten


def _hide(batch: list[dict[str, Any]], handles: dict[str, str], factor: float) -> None:
    """Multiply what is left of the visibility timeout of messages that nobody else has received since."""
    now = time.time()
    for message in batch:
        still_ours = message.get("receipt_handle") == handles[message["id"]]
        if still_ours and message["visible_at"] > now:
            message["visible_at"] = now + (message["visible_at"] - now) * factor
