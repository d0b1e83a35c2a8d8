"""What each way to read a secret adds to a cold start: its imports and its client, up to the first request."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from rich.table import Table

from benchmarks.cold_start import measure, packages

_READERS: Final[Mapping[str, str]] = {
    "nothing": "",
    "boto3": "import boto3\nboto3.client('secretsmanager')",
    "CachedValue, imported": "from constructs_lib.runtime.cached_value import CachedValue",
    "CachedValue, first read": (
        "from constructs_lib.runtime import cached_value\ncached_value._client('secretsmanager')"
    ),
    "Powertools parameters": "from aws_lambda_powertools.utilities import parameters\nparameters.SecretsProvider()",
    "HTTP to an extension": "import http.client, json\nhttp.client.HTTPConnection('localhost', 2773)",
}
"""What a handler does before its first request. The extension is a process of its own, which is not in the figure."""


_OTHER_CLIENT: Final = "import boto3\nboto3.client('sqs')\n"
"""What most functions have anyway."""


def table(rounds: int) -> Table:
    """Measure each way in fresh processes, in turn."""
    made = Table(
        title="What reading a secret adds to a cold start before the first request, in CPU milliseconds"
    )
    made.add_column("with", no_wrap=True)
    made.add_column("alone", justify="right")
    made.add_column("next to another client of boto3", justify="right")
    alone, beside = _added("", rounds), _added(_OTHER_CLIENT, rounds)
    for name in _READERS:
        made.add_row(name, f"{alone[name]:.0f}", f"{beside[name]:.0f}")
    return made


def _added(first: str, rounds: int) -> dict[str, float]:
    """How many milliseconds each way takes after what the function does first."""
    python = packages.python()
    sdk = packages.sdk(python, compiled=True)
    found: dict[str, list[float]] = {name: [] for name in _READERS}
    with TemporaryDirectory() as folder:
        handlers = {
            name: _package(Path(folder) / str(index), first + code)
            for index, (name, code) in enumerate(_READERS.items())
        }
        for _ in range(rounds):
            for name, package in handlers.items():
                found[name].append(measure.cpu(python, package, sdk))
    nothing = median(found["nothing"])
    return {name: 1000 * (median(seconds) - nothing) for name, seconds in found.items()}


def _package(folder: Path, code: str) -> Path:
    """The package of a function with Powertools and the runtime, both with bytecode, and another handler."""
    compiled = packages.package("notify_rider", packages.python()).ours
    shutil.copytree(compiled, folder, ignore=shutil.ignore_patterns("handler*"))
    with_runtime = packages.package("complete_trip", packages.python()).ours
    shutil.copytree(with_runtime / "constructs_lib", folder / "constructs_lib", dirs_exist_ok=True)
    (folder / "handler.py").write_text(code)
    return folder
