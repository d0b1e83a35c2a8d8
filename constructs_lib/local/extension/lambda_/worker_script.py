"""The script that runs Python handlers, one process for each environment: MiniStack has it as a text."""

from ministack.core import lambda_runtime


def replace(plain: str, changed: str) -> None:
    """Change the script for all environments that start from now on.

    Args:
        plain: A piece of the script that stands there once.
        changed: What takes its place.

    Raises:
        AssertionError: The script is another one than ours is written for.
    """
    found = lambda_runtime._PYTHON_WORKER_SCRIPT.count(plain)
    if found != 1:
        raise AssertionError(f"the emulator's worker script has {plain!r} {found} times, not once")
    lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(plain, changed)
