"""A program that runs beside the demo leaves nothing behind."""

import sys
import time
from pathlib import Path

import pytest

from sample_app.demo.beside import Beside


def test_its_code_and_what_it_printed_are_its_result() -> None:
    with Beside([sys.executable, "-c", "import sys; print('seen', flush=True); sys.exit('wrong')"]) as beside:
        beside.start()
        assert beside.result() == (1, "seen\nwrong\n")


def test_it_is_interrupted_and_cleans_up_when_the_rest_ends_before_it(tmp_path: Path) -> None:
    started, cleaned = tmp_path / "started", tmp_path / "cleaned"
    program = f"""
import pathlib, time
try:
    pathlib.Path({str(started)!r}).touch()
    time.sleep(300)
finally:
    pathlib.Path({str(cleaned)!r}).touch()
"""
    with Beside([sys.executable, "-c", program]) as beside:
        beside.start()
        while not started.exists():
            time.sleep(0.01)
    assert cleaned.exists()


def test_what_was_never_started_has_no_result() -> None:
    with Beside([sys.executable]) as beside, pytest.raises(RuntimeError, match="start it first"):
        beside.result()
