"""Scenes of AppDashboard. Each shows its own stack: the app has all other scenes."""

from typing import Final

from aws_cdk import Stack

from constructs_lib import AlarmSettings, AppDashboard, Authorization, ProvisionedApi
from tests.gallery.alarms import alarmed
from tests.gallery.api import alias
from tests.gallery.parts import topic
from tests.gallery.plain_function import function


def app_dashboard(stack: Stack) -> None:
    AppDashboard(stack, "Dashboard", of=stack, dashboard_name="Orders")
    alarmed(stack)
    ProvisionedApi(stack, "Api", routes={"GET /": alias(stack, "Accept")}, authorization=Authorization.iam())
    function(stack, "Alone")


def app_dashboard_of_alarms_that_are_left_out(stack: Stack) -> None:
    AlarmSettings.of(stack).notify(topic(stack, "Alarms"))
    AlarmSettings.of(stack).leave_out()
    alarmed(stack)
    AppDashboard(stack, "Dashboard", of=stack)


SCENES: Final = (app_dashboard, app_dashboard_of_alarms_that_are_left_out)
