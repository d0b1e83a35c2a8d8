"""The CDK app that `cdk.json` points at."""

from aws_cdk import App

from sample_app.trips_stack import TripsStack

app = App()
TripsStack(app, "Trips")
app.synth()
