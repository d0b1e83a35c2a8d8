"""A crash at import gives the handler's own traceback, in the log of the failed invocation.

Holds `lambda_/import_tracebacks.py`, `lambda_/worker_script.py`, `process/control.py`.
"""

import json

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

pytestmark = pytest.mark.cloud


def test_a_crash_at_import_gives_the_handlers_own_traceback(cloud: LocalCloud) -> None:
    code = "def load_prices():\n    raise RuntimeError('no price list')\n\nload_prices()\n"
    name = stacks.put(cloud, "crash", {"Function": stacks.function(code)})["Function"]
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert answer["FunctionError"]
    assert json.load(answer["Payload"])["errorMessage"] == "Worker init failed: no price list"
    [failure] = [failed for failed in cloud.failed_invocations() if failed["function"] == name]
    assert "in load_prices" in failure["log"]
    assert failure["log"].strip().endswith("RuntimeError: no price list")
