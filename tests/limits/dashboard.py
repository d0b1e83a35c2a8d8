"""The limits of AppDashboard."""

from typing import Final

from aws_cdk import App

from constructs_lib import AppDashboard
from tests.limits.table import Arguments, Limits, args

_NAME = "dashboard_name must be 1 to 255 letters, digits, hyphens and underscores, got"
_OF = "of must be an app, a stage, a stack or another construct of the app that the dashboard is in, got"

_ROWS: list[tuple[str, Arguments, str]] = [
    ("what it shows, by name", args(of="Orders"), f"{_OF} 'Orders'"),
    ("what it shows, of another app", args(of=App()), f"{_OF} "),
    ("a name with a blank", args(dashboard_name="All orders"), f"{_NAME} 'All orders'"),
    ("a name that is too long", args(dashboard_name="a" * 256), _NAME),
    ("no name", args(dashboard_name=""), f"{_NAME} ''"),
]

DASHBOARD_LIMITS: Final = Limits(AppDashboard, otherwise={}, rows=_ROWS)
