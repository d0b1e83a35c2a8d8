"""Filters of event source mappings match as EventBridge's patterns do: with `$or` and `equals-ignore-case` too.

MiniStack has a matcher of its own for mappings, which knows less than the one of its event buses.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax
"""

import json
from typing import Any

from ministack.services import eventbridge, lambda_svc


def install() -> None:
    """Let mappings use the matcher of the event buses."""
    lambda_svc._match_esm_filter = _matches


def _matches(record: dict[str, Any], pattern: dict[str, Any]) -> bool:
    alternatives = eventbridge._compiled_pattern(json.dumps(pattern)) or ()
    return any(eventbridge._matches_detail(record, each) for each in alternatives)
