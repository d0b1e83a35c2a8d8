"""What an earlier run has measured, kept beside the tests."""

import json
import os
from pathlib import Path
from typing import Any


def recorded(path: Path, measured: dict[str, Any]) -> Any:
    """Read what was recorded; with CONSTRUCTS_LIB_UPDATE_RECORDS set, record this run first."""
    if os.environ.get("CONSTRUCTS_LIB_UPDATE_RECORDS"):
        path.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")
    return json.loads(path.read_text())
