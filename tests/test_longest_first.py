"""The file that took longest runs first."""

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[1]


def run(folder: Path, *arguments: str) -> list[str]:
    """Run the tests of a folder in a process beside another, and return their files in the order they ran."""
    plugins = ["-p", "tests.longest_first", "-p", "xdist"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        *plugins,
        "-v",
        "--rootdir",
        str(folder),
        str(folder),
        *arguments,
    ]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r"PASSED (?:[^ ]*/)?(test_\w+)\.py", done.stdout)


def test_the_file_that_took_longest_runs_first(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = cloud\n")
    (tmp_path / "test_many.py").write_text("def test_1(): pass\ndef test_2(): pass\ndef test_3(): pass\n")
    (tmp_path / "test_slow.py").write_text("import time\ndef test_it(): time.sleep(0.3)\n")
    (tmp_path / "test_zones.py").write_text("import pytest\n@pytest.mark.cloud\ndef test_it(): pass\n")
    shared = ("--numprocesses=1", "--dist=loadfile", "--no-loadscope-reorder")
    many = ["test_many"] * 3
    assert run(tmp_path, *shared) == ["test_zones", *many, "test_slow"], "nothing is known yet"
    assert run(tmp_path, *shared)[0] == "test_slow"
    assert run(tmp_path, *shared, "-k", "test_many")[0] == "test_many"
    assert run(tmp_path, *shared)[0] == "test_slow", "parts of files say nothing of whole ones"
