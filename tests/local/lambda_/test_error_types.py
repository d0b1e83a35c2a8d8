"""A handler that raises keeps its environment; the class of what it raises is in `test_async_invocation.py`."""

import json

import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

pytestmark = pytest.mark.cloud


def test_a_handler_that_raises_keeps_its_environment(cloud: LocalCloud) -> None:
    code = """
import os

def handler(event, context):
    if event:
        raise ValueError(os.getpid())
    return os.getpid()
"""
    name = stacks.put(cloud, "raises", {"Function": stacks.function(code)})["Function"]
    functions = cloud.client("lambda")
    answers = [functions.invoke(FunctionName=name, Payload=event) for event in (b"0", b"1", b"0")]
    assert [answer.get("FunctionError") for answer in answers] == [None, "Unhandled", None]
    first, raised, last = (json.load(answer["Payload"]) for answer in answers)
    assert raised["errorMessage"] == str(first) == str(last)
