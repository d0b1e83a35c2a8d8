"""The stacks of the sample app that a part of the demo needs, and those of the demo's own.

Usage: `python -m sample_app.demo.demo_app trips receipts zones disputes settlement plain_zones uninvited`.
"""

import sys

from aws_cdk import App

from sample_app.alarms_stack import AlarmsStack
from sample_app.api_stack import ApiStack
from sample_app.database_stack import DatabaseStack
from sample_app.demo.plain_zones_stack import PlainZonesStack
from sample_app.demo.uninvited_stack import UninvitedStack
from sample_app.disputes_stack import DisputesStack
from sample_app.receipts_stack import ReceiptsStack
from sample_app.settlement_stack import SettlementStack
from sample_app.trips_stack import TripsStack
from sample_app.zones_stack import ZonesStack


def main(parts: list[str]) -> None:
    """Synthesize the stacks of some parts.

    Args:
        parts: Their names.
    """
    app = App()
    AlarmsStack(app, "Alarms")
    if "trips" in parts:
        database = DatabaseStack(app, "Database").database
        trips = TripsStack(app, "Trips", database=database)
        ApiStack(app, "Api", database=database, consumer=trips.consumer)
        if "uninvited" in parts:
            UninvitedStack(app, "Uninvited", database=database)
    if "receipts" in parts:
        ReceiptsStack(app, "Receipts")
    if "zones" in parts:
        ZonesStack(app, "Zones")
    if "disputes" in parts:
        DisputesStack(app, "Disputes")
    if "settlement" in parts:
        SettlementStack(app, "Settlement")
    if "plain_zones" in parts:
        PlainZonesStack(app, "PlainZones")
    app.synth()


if __name__ == "__main__":
    main(sys.argv[1:])
