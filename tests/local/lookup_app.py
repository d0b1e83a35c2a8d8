"""An app that looks up what is in its account: a VPC, and the zones of its Region."""

import os

from aws_cdk import App, CfnOutput, Environment, Fn, Stack
from aws_cdk import aws_ec2 as ec2

app = App()
stack = Stack(app, "Network", env=Environment(account="111111111111", region="eu-central-1"))
vpc = ec2.Vpc.from_lookup(stack, "Vpc", is_default=True)
ec2.SecurityGroup(stack, "Group", vpc=vpc)
CfnOutput(stack, "VpcId", value=vpc.vpc_id)
CfnOutput(stack, "Zones", value=Fn.join(",", stack.availability_zones))
CfnOutput(stack, "Greeting", value=str(app.node.try_get_context("greeting")))
CfnOutput(stack, "Folder", value=os.getcwd())  # noqa: PTH109 - what the shell says
app.synth()
