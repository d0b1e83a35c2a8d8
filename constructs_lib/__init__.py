"""AWS CDK constructs for Lambda that are correct by construction.

Importing this package loads no aws_cdk: each name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from constructs_lib.errors import InvalidPropsError

if TYPE_CHECKING:
    from constructs_lib.foundation.function import PythonFunction
    from constructs_lib.patterns.database import ProxiedDatabase
    from constructs_lib.patterns.queue import QueueConsumer

__all__ = ["InvalidPropsError", "ProxiedDatabase", "PythonFunction", "QueueConsumer"]

_HOMES = {
    "ProxiedDatabase": "constructs_lib.patterns.database",
    "PythonFunction": "constructs_lib.foundation.function",
    "QueueConsumer": "constructs_lib.patterns.queue",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
