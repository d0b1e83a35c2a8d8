"""A deployed function's package with one file changed, as a developer would deploy it next, and its release."""

import urllib.request
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any


def release(functions: Any, function: str, alias: str, package: bytes) -> None:
    """Release new code by hand: the alias moves to a new version, and all else stays.

    Args:
        functions: A client of Lambda.
        function: Its name.
        alias: The name of the alias.
        package: The new code, zipped.
    """
    functions.update_function_code(FunctionName=function, ZipFile=package)
    version = functions.publish_version(FunctionName=function)["Version"]
    functions.update_alias(FunctionName=function, Name=alias, FunctionVersion=version)


def changed_code(functions: Any, function: str, file: str, change: Callable[[bytes], bytes]) -> bytes:
    """Change one file of a package.

    Args:
        functions: A client of Lambda.
        function: Its name.
        file: Which file, as it is named in the package.
        change: Makes the new content of the old one.

    Returns:
        The new package, zipped.

    Raises:
        KeyError: There is no such file.
    """
    location = functions.get_function(FunctionName=function)["Code"]["Location"]
    with urllib.request.urlopen(location, timeout=60) as answer:  # noqa: S310 - the emulator's own
        package = zipfile.ZipFile(BytesIO(answer.read()))
    compiled = f"__pycache__/{PurePosixPath(file).stem}."
    changed = BytesIO()
    with package, zipfile.ZipFile(changed, "w") as archive:
        package.getinfo(file)
        for name in package.namelist():
            if name.startswith(compiled) and file.endswith(".py"):
                continue  # compiled from what is changed here
            content = package.read(name)
            archive.writestr(name, change(content) if name == file else content)
    return changed.getvalue()
