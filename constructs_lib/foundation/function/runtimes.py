"""Which Python runtimes can be used: those that this library knows, and those that Lambda may have since then."""

import re

from constructs_lib import _defaults, _validation


def check(runtime_name: str) -> None:
    """Refuse a runtime of another language, or one that AWS does not support any more.

    Raises:
        InvalidPropsError: It is such a runtime.
    """
    if not is_newer(runtime_name):
        _validation.check_choice(
            "runtime", runtime_name, _defaults.PYTHON_RUNTIMES, source=_defaults.LAMBDA_RUNTIMES
        )


def is_newer(runtime_name: str) -> bool:
    """Whether a runtime is of a newer Python than this library knows."""
    version = re.fullmatch(r"python3\.(\d+)", runtime_name)
    newest = _defaults.PYTHON_RUNTIMES[-1].rpartition(".")[2]
    return version is not None and int(version[1]) > int(newest)


def warnings(runtime_name: str) -> dict[str, str]:
    """What a user should know about a runtime that this library does not know: a text by the end of its id."""
    if not is_newer(runtime_name):
        return {}
    newest = _defaults.PYTHON_RUNTIMES[-1]
    return {
        f"runtime-{runtime_name}": f"This release of constructs-lib knows runtimes up to {newest}. {runtime_name} is "
        f"packaged for the same operating system as {newest}, and what it can be combined with is not checked: whether "
        f"Lambda has it in this Region, and SnapStart for it, shows at deployment. A newer release may know it. "
        f"See {_defaults.LAMBDA_RUNTIMES}"
    }
