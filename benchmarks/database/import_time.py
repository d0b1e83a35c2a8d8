"""How long a cold start waits for the runtime module, beside boto3."""

import compileall
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Final

import constructs_lib
from benchmarks.database.figures import Figure

_RUNTIME: Final = "constructs_lib.runtime.database, constructs_lib.runtime.once"
_BOTO3: Final = "boto3"
BUDGET: Final = 0.25
"""The most that the import may take, as a share of boto3's own import."""
_MEASURE: Final = """
import time
started = time.perf_counter()
import {modules}
print((time.perf_counter() - started) * 1000)
"""


def measure(folder: Path, *, safeguarded: bool, runs: int) -> Figure:
    """Import in fresh processes. The safeguard is that the runtime does without boto3.

    Args:
        folder: Where the runtime is put as it travels into a package: without the library.
        safeguarded: Whether it is the runtime that is imported; if not, boto3.
        runs: How many processes of each, one after another.
    """
    package = folder / "package"
    if not package.exists():
        shutil.copytree(
            Path(constructs_lib.__file__).parent / "runtime",
            package / "constructs_lib" / "runtime",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        compileall.compile_dir(package, quiet=1)
    runtime, boto3 = [], []
    for _ in range(runs + 1):  # by turns: whatever else the machine does, it does to both
        runtime.append(_import(_RUNTIME, package))
        boto3.append(_import(_BOTO3, package))
    # The first one found a cold disk.
    runtime, boto3 = runtime[1:], boto3[1:]
    measured = runtime if safeguarded else boto3
    budget = BUDGET * statistics.median(boto3)
    ratio = statistics.median(measured) / statistics.median(boto3)
    return Figure(
        count=runs,
        failed=sum(took > budget for took in measured),
        milliseconds=measured,
        note=f"{ratio:.2f} of boto3; failed: over {BUDGET:.2f} of it, {budget:.1f} ms",
    )


def _import(modules: str, package: Path) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", _MEASURE.format(modules=modules)],
        env=environment | {"PYTHONPATH": str(package)},
        cwd=package,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)
