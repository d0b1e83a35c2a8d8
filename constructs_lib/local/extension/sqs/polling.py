"""How many batches of a queue are in flight: as many as the mapping allows, whatever concurrency is reserved.

MiniStack polls no more than can run. On AWS a mapping does not account for reserved concurrency: what it receives
beyond it is throttled, and comes again after its visibility timeout; each receipt counts.
Source: https://repost.aws/knowledge-center/lambda-sqs-scaling
"""

from typing import Any

from ministack.services import lambda_svc


def install() -> None:
    """Leave the function's concurrency out of account."""
    of_mapping = lambda_svc._sqs_esm_concurrency

    def of_mapping_alone(esm: Any, _func: Any, _config: Any, queue: Any = None) -> int:
        batches: int = of_mapping(esm, {}, {}, queue)
        return batches

    lambda_svc._sqs_esm_concurrency = of_mapping_alone
