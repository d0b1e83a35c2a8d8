"""Scenes of KillSwitch."""

from typing import Final

from aws_cdk import Stack

from constructs_lib import KillSwitch
from tests.gallery.parts import live, topic
from tests.gallery.plain_function import function


def kill_switch(stack: Stack) -> None:
    KillSwitch(stack, "Switch", function=function(stack), invocations_per_minute=600)


def kill_switch_armed(stack: Stack) -> None:
    KillSwitch(
        stack,
        "Switch",
        function=live(stack),
        invocations_per_minute=600,
        armed=True,
        alarm_topic=topic(stack, "Alarms"),
    )


SCENES: Final = (kill_switch, kill_switch_armed)
