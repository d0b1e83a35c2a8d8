"""Scenes of AlarmSettings."""

from typing import Final

from aws_cdk import Stack

from constructs_lib import AlarmSettings, EventRule, LiveAlias, QueueConsumer
from tests.gallery.event_sources import TRIPS
from tests.gallery.parts import topic
from tests.gallery.plain_function import function


def alarmed(stack: Stack) -> None:
    released = LiveAlias(stack, "Live", function=function(stack))
    QueueConsumer(stack, "Orders", function=released.alias)
    EventRule(stack, "Trips", function=released.alias, event_pattern=TRIPS)


def one_topic_for_all_alarms(stack: Stack) -> None:
    AlarmSettings.of(stack).notify(topic(stack, "Alarms"))
    alarmed(stack)


def alarms_left_out(stack: Stack) -> None:
    """Two stay, by which CodeDeploy rolls back."""
    AlarmSettings.of(stack).notify(topic(stack, "Alarms"))
    AlarmSettings.of(stack).leave_out()
    alarmed(stack)


SCENES: Final = (one_topic_for_all_alarms, alarms_left_out)
