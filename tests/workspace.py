"""The workspace that docs/function.md shows, written to a folder."""

import re
import subprocess
import sys
from pathlib import Path

from constructs_lib.foundation.function import uv

_GUIDE = Path(__file__).parents[1] / "docs" / "function.md"
_FILE = re.compile(r"```(?:toml|python)\n# (?P<path>\S+\.(?:toml|py))\n(?P<text>.*?)```", re.DOTALL)


def write_workspace(folder: Path) -> None:
    """Write each file that the guide shows, and lock them."""
    for file in _FILE.finditer(_GUIDE.read_text()):
        place = folder / file["path"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file["text"])
    subprocess.run([uv.binary(), "lock", "--quiet", "--python", sys.executable], cwd=folder, check=True)
