"""Apps of many instances of one scene."""

from collections.abc import Callable, Sequence
from typing import Final

from aws_cdk import App, Environment, Stack
from constructs import Construct

PER_STACK: Final = 5
"""A stack holds at most 500 resources, and an instance has at most 60."""


def fill(app: App, scene: Callable[[Construct], None], instances: Sequence[int]) -> None:
    """Build a scene once and again, five in a stack.

    Args:
        app: The app.
        scene: What to build.
        instances: Their numbers.
    """
    for start in range(0, len(instances), PER_STACK):
        numbers = instances[start : start + PER_STACK]
        # The account is known, as in most apps: zones and the like are not tokens.
        environment = Environment(account="123456789012", region="us-east-1")
        stack = Stack(app, f"Stack{numbers[0]}", env=environment)
        for number in numbers:
            scene(Construct(stack, f"Instance{number}"))
