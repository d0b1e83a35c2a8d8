"""The extension starts the release of the emulator that it is written for, and no other."""

import subprocess
from pathlib import Path

import pytest

import constructs_lib.local
from constructs_lib.local import LocalCloud, private_environment

pytestmark = pytest.mark.cloud


def test_another_release_of_the_emulator_is_refused(cloud: LocalCloud) -> None:
    local = Path(constructs_lib.local.__file__).parent
    code = (
        f"import sys; sys.path.insert(0, {str(local)!r}); "
        "from extension import start; start.PINNED = '0.0.1'; start.main()"
    )
    done = subprocess.run(
        [private_environment.interpreter(cloud.state), "-P", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == "the extension is written for ministack 0.0.1, this is 1.5.33"
