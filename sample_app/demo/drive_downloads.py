"""Drive the sample app's function URL: receipts are downloaded, and whoever may not is refused."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from constructs_lib.local import LocalCloud
from constructs_lib.local.http_calls import Caller, call
from sample_app.demo.drive import Outputs

RECEIPTS: Final = 100
AT_ONCE: Final = 20
STATUSES: Final = {
    "a receipt that does not exist": 404,
    "a caller without a signature": 403,
    "a function that is turned off, with reserved concurrency 0": 429,
    "the function turned on again": 200,
}
"""The status that each request must get."""
DOORS: Final = {
    "with both permissions": 200,
    "with lambda:InvokeFunctionUrl alone": 403,
    "with lambda:InvokeFunction alone": 403,
    "with both on the function, not on the alias": 403,
    "without a signature": 403,
}
"""The status that each caller must get under enforced IAM."""
_PERMISSIONS: Final = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")


@dataclass(frozen=True)
class DownloadsOutcome:
    """What the function URL answered.

    Attributes:
        downloaded: How many receipts came as they are in the archive.
        statuses: The status of each other request.
    """

    downloaded: int
    statuses: dict[str, int]


def rehearse(cloud: LocalCloud, outputs: Outputs) -> DownloadsOutcome:
    """Put receipts into the archive, and download them.

    Args:
        cloud: With the sample app deployed.
        outputs: Of the sample app.

    Returns:
        Everything that is judged.
    """
    url = cloud.api_url(outputs["DownloadsUrl"])
    caller = Caller(cloud, "accounting")
    caller.allow_only(*_PERMISSIONS, on=outputs["DownloadsAlias"])
    receipts = {f"download-{number:04}": _document(number) for number in range(RECEIPTS)}

    def put_and_download(trip_id: str) -> bool:
        _put(cloud, outputs, trip_id, receipts[trip_id])
        answer = caller.call(f"{url}{trip_id}", service="lambda")
        return (answer.status, answer.body) == (200, receipts[trip_id])

    with ThreadPoolExecutor(AT_ONCE) as threads:
        downloaded = sum(threads.map(put_and_download, receipts))
    one = f"{url}{next(iter(receipts))}"
    functions, name = cloud.client("lambda"), outputs["DownloadReceiptName"]
    missing = caller.call(f"{url}nowhere", service="lambda").status
    unsigned = call(one).status
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    turned_off = caller.call(one, service="lambda").status
    functions.delete_function_concurrency(FunctionName=name)
    turned_on = caller.call(one, service="lambda").status
    answers = (missing, unsigned, turned_off, turned_on)
    return DownloadsOutcome(downloaded, dict(zip(STATUSES, answers, strict=True)))


def knock(cloud: LocalCloud, outputs: Outputs) -> dict[str, int]:
    """Download a receipt with and without what it takes; under enforced IAM alone does this mean anything.

    Args:
        cloud: With the sample app deployed and IAM enforced.
        outputs: Of the sample app.

    Returns:
        The status that each caller got.
    """
    _put(cloud, outputs, "download-0000", _document(0))
    url = f"{cloud.api_url(outputs['DownloadsUrl'])}download-0000"
    alias = outputs["DownloadsAlias"]

    def signed(name: str, *actions: str, on: str = alias) -> Callable[[], int]:
        caller = Caller(cloud, name)
        caller.allow_only(*actions, on=on)
        return lambda: caller.call(url, service="lambda").status

    callers: tuple[Callable[[], int], ...] = (
        signed("accounting", *_PERMISSIONS),
        signed("url-alone", _PERMISSIONS[0]),
        signed("invoke-alone", _PERMISSIONS[1]),
        signed("function-alone", *_PERMISSIONS, on=alias.rpartition(":")[0]),
        lambda: call(url).status,
    )
    return {who: ask() for who, ask in zip(DOORS, callers, strict=True)}


def differences(outcome: DownloadsOutcome) -> list[str]:
    """Everything that is not as it must be.

    Args:
        outcome: What the function URL answered.

    Returns:
        One line for each difference; none if all is well.
    """
    wrong = [
        f"{what} must be answered with {STATUSES[what]}, was with {status}"
        for what, status in outcome.statuses.items()
        if status != STATUSES[what]
    ]
    if outcome.downloaded != RECEIPTS:
        wrong.append(f"{RECEIPTS} receipts must be downloaded as they are, were {outcome.downloaded}")
    return wrong


def _document(number: int) -> bytes:
    return json.dumps({"trip_id": f"download-{number:04}", "fare": f"{number}.50"}).encode()


def _put(cloud: LocalCloud, outputs: Outputs, trip_id: str, document: bytes) -> None:
    cloud.client("s3").put_object(
        Bucket=outputs["ArchiveBucket"], Key=f"receipts/{trip_id}.json", Body=document
    )
