"""Start the pinned emulator with everything that the extension adds."""

import os
import sys
from importlib.metadata import version

PINNED = "1.5.33"


def main() -> None:
    """Check the release, apply the changes, tie the process to its parent, and serve."""
    found = version("ministack")
    if found != PINNED:
        sys.exit(f"the extension is written for ministack {PINNED}, this is {found}")

    from . import (
        apigateway,
        cloudformation,
        cloudwatch,
        ec2,
        elasticloadbalancing,
        events,
        iam,
        kinesis,
        lambda_,
        rds,
        s3,
        scheduler,
        secretsmanager,
        sns,
        sqs,
        ssm,
        stepfunctions,
        wafv2,
    )
    from .process import control, in_flight, lifeline, pace

    run_folder = os.environ["CONSTRUCTS_LIB_RUN_FOLDER"]
    # First: whatever goes wrong from here on, the process ends with its parent.
    lifeline.install(run_folder=run_folder)
    pace.install()
    in_flight.install()
    apigateway.install()
    cloudformation.install()
    cloudwatch.install()
    ec2.install()
    elasticloadbalancing.install()
    events.install()
    iam.install()
    kinesis.install()
    lambda_.install()
    rds.install(run_folder=run_folder)
    s3.install()
    scheduler.install()
    secretsmanager.install()
    sns.install()
    sqs.install(time_scale=float(os.environ["CONSTRUCTS_LIB_TIME_SCALE"]))
    ssm.install()
    stepfunctions.install()
    wafv2.install()
    # Last: failures are noted as the invocation's caller gets them, with the traceback that `lambda_` moves to the log.
    control.install()

    sys.argv = ["ministack"]
    from ministack.app import main as serve

    serve()
