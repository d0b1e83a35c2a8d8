"""What decides which packages a function gets, whatever form it was written in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function.input_digest import InputDigest
from constructs_lib.foundation.function.local_project import LocalProject


@dataclass(frozen=True)
class Selection:
    """What the user asked for beside the requirements themselves.

    Attributes:
        extras: Extras of the function's own project.
        groups: Its dependency groups.
        from_source: Names of packages that may be built on this machine.
        include: Glob patterns of files to package although they would be left out.
        exclude: Glob patterns of files to leave out.
    """

    extras: Sequence[str] = ()
    groups: Sequence[str] = ()
    from_source: Sequence[str] = ()
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()


@dataclass(frozen=True)
class Requirements:
    """What decides which packages are installed.

    Attributes:
        file: A `uv.lock`, or a `requirements.txt`.
        project: The folder of the project whose requirements these are; uv runs there.
        inputs: Files whose content decides what is installed.
        locked: What the lock has of the packages that the project reaches, in an order that is the same everywhere.
        local: The projects on this machine that it reaches.
        options: Of uv's command line, which select what is exported from the lock.
    """

    file: Path
    project: Path
    inputs: tuple[Path, ...]
    locked: str = ""
    local: tuple[LocalProject, ...] = ()
    options: tuple[str, ...] = ()

    def add_to(self, digest: InputDigest) -> None:
        """Add everything that decides what is installed; a lock counts by what the project reaches."""
        for path in self.inputs:
            digest.add(path.name, path.read_bytes())
        digest.add(self.locked)
        for project in self.local:
            project.add_to(digest)


ONLY_WHEELS = (
    "It is not a wheel of an index, and only wheels can be packaged the same way everywhere. Publish a wheel of it "
    "to an index; or use a uv.lock in place of requirements.txt, with which members of a workspace and path "
    "dependencies are packaged, and git dependencies with build_from_source."
)


def check_not_this_library(file: Path, name: str) -> None:
    """Refuse a function that would install this library: it brings the whole CDK.

    Raises:
        InvalidPropsError: `name` is this library.
    """
    if name == "constructs-lib":
        raise InvalidPropsError(
            f"{file} installs constructs-lib, and with it the CDK: more than Lambda takes. Pass "
            f"include_runtime=True, which puts constructs_lib.runtime into the package, and remove "
            f"constructs-lib from the function's dependencies; for its tests, it may be in a group such as dev."
        )
