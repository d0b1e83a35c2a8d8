"""What the people who run the app look at."""

from typing import Final

from aws_cdk import Stack
from constructs import Construct

from constructs_lib import AppDashboard


class OperationsStack(Stack):
    """One dashboard over all stacks of the app."""

    dashboard: Final[AppDashboard]

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        self.dashboard = AppDashboard(self, "Dashboard")
