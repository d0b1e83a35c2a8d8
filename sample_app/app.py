"""The CDK app that `cdk.json` points at."""

from aws_cdk import App

from sample_app.alarms_stack import AlarmsStack
from sample_app.api_stack import ApiStack
from sample_app.database_stack import DatabaseStack
from sample_app.disputes_stack import DisputesStack
from sample_app.operations_stack import OperationsStack
from sample_app.receipts_stack import ReceiptsStack
from sample_app.settlement_stack import SettlementStack
from sample_app.trips_stack import TripsStack
from sample_app.zones_stack import ZonesStack

app = App()
AlarmsStack(app, "Alarms")
database = DatabaseStack(app, "Database").database
trips = TripsStack(app, "Trips", database=database)
ApiStack(app, "Api", database=database, consumer=trips.consumer)
ReceiptsStack(app, "Receipts")
ZonesStack(app, "Zones")
DisputesStack(app, "Disputes")
SettlementStack(app, "Settlement")
OperationsStack(app, "Operations")
app.synth()
