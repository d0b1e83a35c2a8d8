"""The same tasks with AWS Solutions Constructs, where it has a pattern for them.

They make other resources: no alarms, an API with a proxy route and a usage plan. So the table counts resources too.
Each of its packages pins the schema of the cloud assembly below that of the locked aws-cdk-lib. Nothing in them uses
it, so they are installed without what they require, beside this project and not into its environment.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from benchmarks.synth.by_hand import HANDLER

_VERSION: Final = "2.105.0"
_PACKAGES: Final = ("core", "aws-sqs-lambda", "aws-apigateway-lambda")
FOLDER: Final = Path(__file__).parents[2] / ".cache" / "benchmarks" / f"solutions-constructs-{_VERSION}"


def install() -> None:
    """Put the packages into a folder of their own, once."""
    if not (FOLDER / "complete").exists():
        packages = [f"aws-solutions-constructs.{name}=={_VERSION}" for name in _PACKAGES]
        command = [
            "uv",
            "pip",
            "install",
            "--quiet",
            "--python",
            sys.executable,
            "--no-deps",
            "--target",
            str(FOLDER),
        ]
        subprocess.run([*command, *packages], check=True)
        (FOLDER / "complete").touch()


def _function() -> lambda_.FunctionProps:
    return lambda_.FunctionProps(
        code=lambda_.Code.from_asset(str(HANDLER)), handler="app.handle", runtime=lambda_.Runtime.PYTHON_3_13
    )


def queue_consumer(scope: Construct) -> None:
    """A queue that a function drains."""
    from aws_solutions_constructs.aws_sqs_lambda import SqsToLambda

    SqsToLambda(scope, "Consumer", lambda_function_props=_function())


def rest_api(scope: Construct) -> None:
    """A REST API in front of one function; ours has two."""
    from aws_solutions_constructs.aws_apigateway_lambda import ApiGatewayToLambda

    ApiGatewayToLambda(scope, "Api", lambda_function_props=_function())


SCENES: Final[dict[str, Callable[[Construct], None]]] = {
    "queue_consumer": queue_consumer,
    "rest_api": rest_api,
}
