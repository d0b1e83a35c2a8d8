"""A load balancer in front of a function: the event with lists, and without the permission no answer."""

import pytest

from constructs_lib.local import LocalCloud
from constructs_lib.local.http_calls import call
from tests.local import stacks
from tests.local.elasticloadbalancing.test_registration import allowed, resources

pytestmark = pytest.mark.cloud


def test_values_are_lists_and_parameters_are_not_decoded(cloud: LocalCloud) -> None:
    stacks.put(cloud, "lists", resources(allowed("lists"), name="lists"))
    answer = call(f"{cloud.endpoint}/_alb/lists/a?x=1&x=b%20c")
    assert answer.status == 200
    assert answer.json["multiValueQueryStringParameters"] == {"x": ["1", "b%20c"]}
    assert "headers" not in answer.json
    assert answer.json["multiValueHeaders"]["x-forwarded-proto"]


def test_a_permission_that_is_taken_away_is_missed(cloud: LocalCloud) -> None:
    made = stacks.put(cloud, "missed", resources(allowed("missed"), name="missed"))
    assert call(f"{cloud.endpoint}/_alb/missed/").status == 200
    cloud.client("lambda").remove_permission(
        FunctionName=made["Function"], Qualifier="live", StatementId=made["Permission"]
    )
    assert call(f"{cloud.endpoint}/_alb/missed/").status == 502
