"""Import a packaged handler in a fresh process, and measure the CPU time of it and where that goes."""

import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Final

from constructs_lib.foundation.function.interpreter import Interpreter
from sample_app.functions_environment import SETTINGS

_IMPORT: Final = """
import sys, time
import concurrent.futures.thread, decimal, importlib, json, logging, math, traceback
sys.path[:0] = sys.argv[1:]
print("handler follows", file=sys.stderr, flush=True)
started = time.process_time()
import handler
print(time.process_time() - started)
"""
"""The second line is what Lambda's runtime has imported when it comes to the handler.
Source: https://github.com/aws/aws-lambda-python-runtime-interface-client (bootstrap.py and what that imports)"""

_LINE: Final = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*(\w+)")
_SDK: Final = ("boto3", "botocore", "s3transfer", "urllib3", "dateutil", "six", "jmespath")
PARTS: Final = ("SDK", "Powertools", "others", "stdlib", "own code")
"""Where the time goes. Own code is what the function's modules do when they are loaded, such as making a client of the
SDK."""
PACKAGED: Final = "packaged"
"""What is in the package and not the function's own: the part that packaging can do something about."""


def cpu(python: Interpreter, package: Path, sdk: Path) -> float:
    """Import the handler of a package; return the CPU seconds.

    The package is as on Lambda: nothing is written to it, and what it lacks of the SDK comes from elsewhere. The
    process has no other packages (`-S`), and no settings of this machine (`-I`).
    """
    return float(_run(python, package, sdk).stdout)


def parts(python: Interpreter, package: Path, sdk: Path) -> Counter[str]:
    """Where the time of an import goes: microseconds by `PARTS`, and those of what is `PACKAGED`."""
    _, _, lines = _run(python, package, sdk, "-X", "importtime").stderr.partition("handler follows\n")
    own = {file.stem for file in package.glob("*.py")} - {"six", "typing_extensions"}
    packaged, provided = _tops(package) - own, _tops(sdk)
    found = Counter[str]()
    for microseconds, top in _LINE.findall(lines):
        if top in _SDK:
            part = "SDK"
        elif top == "aws_lambda_powertools":
            part = "Powertools"
        elif top in own:
            part = "own code"
        else:
            part = "others" if top in packaged | provided else "stdlib"
        found[part] += int(microseconds)
        found[PACKAGED] += int(microseconds) * (top in packaged)
    return found


def _tops(folder: Path) -> set[str]:
    return {path.name.partition(".")[0] for path in folder.iterdir()}


def _run(python: Interpreter, package: Path, sdk: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python.path, "-I", "-S", "-B", *options, "-c", _IMPORT, package, sdk],
        env=SETTINGS,
        capture_output=True,
        text=True,
        check=True,
    )
