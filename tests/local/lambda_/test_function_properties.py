"""What a template declares of a function, at creation and at update."""

import botocore.exceptions
import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

pytestmark = pytest.mark.cloud

IDLE = "def handler(event, context):\n    return 'idle'\n"


def test_reserved_concurrency_follows_the_template_at_creation_and_update(cloud: LocalCloud) -> None:
    read = []
    for reserved in (7, 0, None, 3):
        properties = {} if reserved is None else {"ReservedConcurrentExecutions": reserved}
        name = stacks.put(cloud, "reserved", {"Function": stacks.function(IDLE, **properties)})["Function"]
        answer = cloud.client("lambda").get_function_concurrency(FunctionName=name)
        read.append(answer.get("ReservedConcurrentExecutions"))
    assert read == [7, 0, None, 3]


def test_reserved_concurrency_of_0_refuses_the_invocation(cloud: LocalCloud) -> None:
    function = stacks.function(IDLE, ReservedConcurrentExecutions=0)
    name = stacks.put(cloud, "throttled", {"Function": function})["Function"]
    with pytest.raises(botocore.exceptions.ClientError, match="TooManyRequestsException"):
        cloud.client("lambda", retries={"total_max_attempts": 1}).invoke(FunctionName=name)
