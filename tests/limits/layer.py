"""The limits of PythonLayer."""

from typing import Final

from aws_cdk import aws_lambda as lambda_

from constructs_lib import PythonLayer
from tests.gallery.plain_function import HANDLERS, SAMPLE_FUNCTIONS
from tests.limits.table import Arguments, Limits, args

_ROWS: list[tuple[str, Arguments, str]] = [
    ("an entry that is not a path", args(entry=None), "entry must be a path, got None (NoneType)."),
    ("an entry that is not a folder", args(entry=HANDLERS / "nowhere"), "nowhere', which is not one."),
    ("an entry without requirements", args(entry=HANDLERS / "plain"),
     "entry must have requirements, or be a package of its own, got "),
    ("a runtime's name", args(runtime="python3.13"), "runtime must be a Runtime, such as "),
    ("a deprecated runtime", args(runtime=lambda_.Runtime.PYTHON_3_10), "runtime must be one of python3.11"),
    ("another language", args(runtime=lambda_.Runtime.NODEJS_22_X), "got 'nodejs22.x'"),
    ("an architecture's name", args(architecture="arm64"), "architecture must be an Architecture, such as "),
    ("an extra alone", args(extras="fast"), "extras must be a list of names of extras, got 'fast' (str)."),
    ("an extra that is not there", args(extras=["fast"]), "extras has 'fast', which "),
    ("a group alone", args(dependency_groups="ship"), "dependency_groups must be a list of names of dependency groups"),
    ("a group that is not there", args(dependency_groups=["ship"]), "dependency_groups has 'ship', which "),
    ("a package alone", args(build_from_source="six"), "build_from_source must be a list of names of packages, got "),
    ("a package that is not there", args(build_from_source=["six"]), "build_from_source has six, which nothing in "),
    ("a pattern alone", args(include="notes/*"), "include must be a list of glob patterns, got 'notes/*' (str)."),
    ("another pattern alone", args(exclude="notes/*"), "exclude must be a list of glob patterns, got 'notes/*' (str)."),
    ("bytecode as text", args(bytecode="no"), "bytecode must be True or False, got 'no' (str)."),
    ("a description that is not text", args(description=1), "description must be text, got 1 (int)."),
    ("a description that is too long", args(description="d" * 257), "description must be at most 256 characters"),
    ("a name with a dot", args(layer_version_name="my.layer"),
     "layer_version_name must be 1 to 140 letters, digits, hyphens and underscores, got 'my.layer'"),
    ("a removal policy by its name", args(removal_policy="destroy"), "removal_policy must be a RemovalPolicy"),
]  # fmt: skip

LAYER_LIMITS: Final = Limits(
    PythonLayer,
    otherwise={
        "entry": lambda stack: SAMPLE_FUNCTIONS / "complete_trip",
        "bytecode": lambda stack: False,
    },
    rows=_ROWS,
)
