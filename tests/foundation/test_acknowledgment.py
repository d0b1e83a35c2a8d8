"""Findings that are acknowledged in one call are acknowledged all the same."""

import pytest
from aws_cdk import Stack, Validations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from benchmarks.synth.round_trips import RoundTrips
from constructs_lib.foundation.acknowledgment import acknowledge, acknowledged_together


def acknowledged(construct: Construct) -> dict[str, str]:
    """The reasons that CDK has for a construct, by finding without its namespace."""
    return {
        finding.rpartition("::")[2]: reason
        for entry in construct.node.metadata
        if entry.type == Validations.ACKNOWLEDGED_RULES_METADATA_KEY
        for finding, reason in entry.data.items()
    }


def test_findings_of_one_construct_are_acknowledged_in_one_call(stack: Stack) -> None:
    first, second = sqs.Queue(stack, "First"), sqs.Queue(stack, "Second")
    with RoundTrips().counted() as trips, acknowledged_together():
        acknowledge(first, {"A-1": "one"})
        with acknowledged_together():
            acknowledge(second, {"A-2": "two"})
        acknowledge(first, {"A-3": "three"})
        assert trips.count == 0
    assert trips.count == 4, "two for each construct"
    assert acknowledged(first) == {"A-1": "one", "A-3": "three"}
    assert acknowledged(second) == {"A-2": "two"}


def test_after_the_block_each_finding_is_acknowledged_at_once(stack: Stack) -> None:
    queue = sqs.Queue(stack, "Queue")
    with pytest.raises(RuntimeError), acknowledged_together():
        raise RuntimeError
    acknowledge(queue, {"A-1": "one"})
    assert acknowledged(queue) == {"A-1": "one"}
