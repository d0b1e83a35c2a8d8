"""Runs uv: from its cache where that is enough, and by its own configuration of where packages come from.

What is installed is in the lock alone: docs/decisions/0017.
"""

import importlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from constructs_lib.errors import InvalidPropsError

_WHERE_FROM = re.compile(
    r"UV_(CACHE_DIR|NO_CACHE|CONFIG_FILE|NO_CONFIG|CREDENTIALS_DIR|KEYRING_PROVIDER|FIND_LINKS|OFFLINE|"
    r"TORCH_BACKEND|CONCURRENT_\w+|PYTHON_(DOWNLOADS|INSTALL_DIR|INSTALL_MIRROR|DOWNLOADS_JSON_URL|CACHE_DIR)|"
    r"\w*(INDEX|TLS|CERT|HTTP|TIMEOUT|RETRIES|PROXY|INSECURE|ENDPOINT)\w*)"
)
"""The variables of uv that set where packages and Pythons come from, and how to get there; the others do not count."""


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    failure: str,
    way_out: str = "",
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run uv: from its cache if that will do, with the network otherwise.

    Args:
        arguments: Of its command line.
        cwd: The folder whose configuration of uv applies.
        failure: What cannot be done if uv fails.
        way_out: What the user can do then.
        environment: More variables for uv, and for the build backends that it runs.

    Returns:
        What it writes to its standard output.

    Raises:
        InvalidPropsError: uv is not there, or fails.
    """
    # An environment that is active here has nothing to do with the function.
    variables = {
        name: value
        for name, value in os.environ.items()
        if name != "VIRTUAL_ENV" and (not name.startswith("UV_") or _WHERE_FROM.fullmatch(name))
    }
    for mode in (["--offline"], []):
        done = subprocess.run(
            [binary(), *arguments, *mode],
            cwd=cwd,
            env=variables | dict(environment or {}),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode == 0:
            return done.stdout
    raise InvalidPropsError(f"{failure}. uv says:\n{done.stderr.strip()}\n{way_out}".rstrip())


def binary() -> str:
    """Find uv's executable.

    Raises:
        InvalidPropsError: It is not there.
    """
    found = located()
    if found is None:
        raise InvalidPropsError(
            "entry has dependencies, and uv, which installs them, is not there: "
            "pip install 'constructs-lib[packaging]', or put uv on PATH."
        )
    return found


def located() -> str | None:
    """Find uv's executable: that of the package `uv`, or one on PATH; None if there is none."""
    try:
        return str(importlib.import_module("uv").find_uv_bin())
    except (ImportError, FileNotFoundError):
        return shutil.which("uv")
