"""Names that AWS requires, of resources that are replaced when one of their properties changes."""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Final

from aws_cdk import Stack

_DIGEST_LENGTH: Final = 10


def physical_name(stack: Stack, path: str, facts: Sequence[object], *, longest: int, otherwise: str) -> str:
    """A name in lower case that changes with whatever replaces the resource.

    CloudFormation creates the new resource before it deletes the old one, so the two must have different names.

    Args:
        stack: The stack of the resource.
        path: The path of the construct.
        facts: What replaces the resource; tokens are compared as the template has them.
        longest: The longest name that AWS takes.
        otherwise: What comes first if the path does not start with a letter.

    Returns:
        Letters, digits and single hyphens, none of them last.
    """
    known = stack.resolve(list(facts))
    while (parent := stack.nested_stack_parent) is not None:
        stack = parent
    text = json.dumps([stack.stack_name, path, *known])
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
    words = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")
    if not words[:1].isalpha():
        words = f"{otherwise}-{words}"
    return f"{words[: longest - _DIGEST_LENGTH - 1].rstrip('-')}-{digest}"
