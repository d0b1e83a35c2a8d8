"""A project of the user's own that a function depends on: a member of its uv workspace, or a path dependency.

Its own build backend makes a wheel of it, as `pip install` would. The backend sees a copy of exactly the files that
are in the hash, so that nothing else can get into the package: not what git ignores, nor what an earlier build left.
"""

import os
import shutil
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function import entry_files, interpreter, package_cache, uv
from constructs_lib.foundation.function.input_digest import InputDigest

THIS_MACHINE = f"{sysconfig.get_platform()}-{sys.implementation.cache_tag}{sys.abiflags}"
"""What decides which compiled code runs here."""

_FORMAT = "2"
"""Raised whenever the same files would give another wheel than before."""

_REPEATABLE = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "315532800"}
"""What backends read, so that they write the same each time; 1980 is the first year that a zip archive knows."""


@dataclass(frozen=True)
class LocalProject:
    """A project with a `pyproject.toml` on this machine.

    Attributes:
        name: As the lock has it.
        folder: Where it is.
        files: Those that its wheel is made from, relative to `folder`.
    """

    name: str
    folder: Path
    files: tuple[Path, ...]

    def add_to(self, digest: InputDigest) -> None:
        """Add everything that decides what its wheel has in it; where the project is does not count."""
        digest.add("project", self.name)
        digest.add_files(self.folder, self.files)

    def wheel(self, *, for_this_machine: bool, cwd: Path) -> Path:
        """Build its wheel, or hand out the one that was made of the same files before.

        Args:
            for_this_machine: Whether code that was compiled here will run where the package is going.
            cwd: The folder whose configuration of uv says where the build backend comes from.

        Raises:
            InvalidPropsError: Its backend fails, or makes a wheel for this machine alone.
        """
        digest = InputDigest()
        digest.add(_FORMAT, THIS_MACHINE if for_this_machine else "any machine")
        self.add_to(digest)
        place = package_cache.made("wheels") / digest.hexdigest()
        if not any(place.glob("*.whl")):
            self._build(place, cwd)
        os.utime(place)
        built = next(place.glob("*.whl"))
        if not built.name.endswith("-none-any.whl") and not for_this_machine:
            raise InvalidPropsError(
                f"{self.name} ({self.folder}) has compiled code: its wheel {built.name} runs on machines like this "
                f"one, and not on the function's. Build it once for that machine, in AWS's container image for the "
                f"runtime for example (public.ecr.aws/sam/build-python), and depend on the wheel; or put it into a "
                f"layer."
            )
        return built

    def _build(self, place: Path, cwd: Path) -> None:
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".building-") as aside:
            copy, draft = Path(aside) / "project", Path(aside) / "draft"
            for file in self.files:
                (copy / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.folder / file, copy / file)
            # Backends ask git what it ignores. The cache may be in a repository, which has no say in what was copied.
            (Path(aside) / ".gitignore").touch()
            # The sources of the project's dependencies have no say in its own wheel, and are not next to the copy.
            uv.run(
                ["build", "--wheel", "--no-sources", "--out-dir", str(draft), "--no-create-gitignore",
                 "--python", str(interpreter.HOST.path), str(copy)],
                cwd=cwd,
                environment={**_REPEATABLE, "GIT_CEILING_DIRECTORIES": aside},
                failure=f"{self.name} ({self.folder}) cannot be built into a wheel",
                way_out="It is built from a copy of its folder, without .git, what git ignores, names that start "
                "with a dot and its tests. If its build needs more, build the wheel yourself and depend on that file.",
            )  # fmt: skip
            package_cache.move(draft, place)


def find(
    name: str, folder: Path, place: Path, include: tuple[str, ...], exclude: tuple[str, ...]
) -> LocalProject:
    """Read which files of a project go into its wheel.

    Args:
        name: As the lock has it.
        folder: Where it is.
        place: The same from the lock, where the user's patterns start.
        include: Patterns, from `folder`, of what would be left out.
        exclude: Patterns, from `folder`, of what is left out.

    Raises:
        InvalidPropsError: The folder has no project, or one of its files cannot be packaged.
    """
    if not any((folder / file).is_file() for file in ("pyproject.toml", "setup.py")):
        raise InvalidPropsError(
            f"uv.lock has {name} in {folder}, and there is no project: check it out, or run 'uv lock' again."
        )
    found = entry_files.find(folder, include=include, exclude=exclude, project=name, place=place)
    return LocalProject(name, folder, tuple(found))
