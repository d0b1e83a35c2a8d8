"""Which files of a function's folder go into its package: code and data, no secrets, nothing that a tool made.

See docs/decisions/0016.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function import gitignore

_MADE_BY_TOOLS = ("__pycache__", "*.py[co]", "*.egg-info", "node_modules", "cdk.out")
_MARKS_OF_TOOLS = ("pyvenv.cfg", "conda-meta", "CACHEDIR.TAG", "cdk.out")
"""What a virtual environment, a cache, and an output folder of the CDK have in them, whatever their name is."""

_NOT_AT_RUN_TIME = (
    "tests", "pyproject.toml", "uv.lock", "uv.toml", "requirements.txt", "requirements.in", "pylock.toml",
    "poetry.lock", "pdm.lock", "Pipfile", "Pipfile.lock", "setup.py", "setup.cfg",
)  # fmt: skip
"""Files and folders at the top of the entry that are of no use in /var/task."""

_NOT_IN_A_WHEEL = ("tests", "uv.lock", "build", "dist")
"""The same of a project that is built into a wheel: what earlier builds left must not get into the next."""

_STAGED_ASSET = re.compile(r"asset\.[0-9a-f]{64}.*")
_PRIVATE_KEY = re.compile(rb"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----")
_KEY_FILE_BYTES_MAX = 1024 * 1024


def find(
    entry: Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    project: str = "",
    place: Path = Path(),
) -> list[Path]:
    """The files to package, relative to the entry, in an order that is the same everywhere.

    Args:
        entry: The folder, as an absolute path.
        include: Glob patterns of what is packaged although the rules leave it out.
        exclude: Glob patterns of what is left out; stronger than `include`.
        project: The name of the project that these files are built into a wheel of, which needs files like
            pyproject.toml; none for a function.
        place: Where the folder is from where the user's own patterns start.

    Raises:
        InvalidPropsError: A file cannot be read or holds a private key, or a link leads back to a folder that
            it is in.
    """
    unused = _NOT_IN_A_WHEEL if project else _NOT_AT_RUN_TIME
    walk = _Walk(entry, tuple(include), tuple(exclude), unused, project or "entry", place)
    found = walk.files(Path(), gitignore.above(entry), (entry.resolve(),), only_included=False)
    return sorted(found, key=Path.as_posix)


@dataclass(frozen=True)
class _Walk:
    entry: Path
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    unused: tuple[str, ...]
    name: str
    place: Path

    def files(
        self,
        folder: Path,
        ignore_files: list[gitignore.IgnoreFile],
        chain: tuple[Path, ...],
        *,
        only_included: bool,
    ) -> Iterator[Path]:
        """The files below a folder; `chain` has the real paths from the entry to it."""
        here = self.entry / folder
        if ignore_file := gitignore.read(here):
            ignore_files = [*ignore_files, ignore_file]
        for name in _names(here):
            path, place = folder / name, here / name
            if _matches(path, self.exclude):
                continue
            included = _matches(path, self.include)
            is_folder = place.is_dir()
            left_out = not included and (only_included or _left_out(path, place, ignore_files, self.unused))
            if not is_folder:
                if not left_out:
                    self._check_readable(path)
                    self._check_no_secret(path, included=included)
                    yield path
            elif not left_out or any(_may_match_below(path, pattern) for pattern in self.include):
                real = place.resolve()
                if real in chain:
                    raise InvalidPropsError(
                        f"{self.name} has the link {path.as_posix()}, which leads back to a folder that it is in "
                        f"({self.entry}): its content would have no end. Delete it, or pass "
                        f"exclude=[{self._pattern(path)!r}]."
                    )
                yield from self.files(path, ignore_files, (*chain, real), only_included=left_out)

    def _pattern(self, path: Path) -> str:
        return (self.place / path).as_posix()

    def _check_readable(self, path: Path) -> None:
        if not _is_text(path.as_posix()):
            raise InvalidPropsError(
                f"{self.name} has a file with the name {os.fsencode(path)!r} ({self.entry}), which is not UTF-8: "
                f"the CDK cannot upload it. Rename it."
            )
        if not (self.entry / path).is_file() or not os.access(self.entry / path, os.R_OK):
            raise InvalidPropsError(
                f"{self.name} has {path.as_posix()}, which cannot be read ({self.entry}): a broken link? Fix it, or "
                f"pass exclude=[{self._pattern(path)!r}]."
            )

    def _check_no_secret(self, path: Path, *, included: bool) -> None:
        place = self.entry / path
        if included or path.suffix == ".py" or place.stat().st_size > _KEY_FILE_BYTES_MAX:
            return
        if not _PRIVATE_KEY.search(place.read_bytes()):
            return
        raise InvalidPropsError(
            f"{self.name} has {path.as_posix()}, which holds a private key ({self.entry}): whoever may call "
            f"lambda:GetFunction can download the package. Keep the key in Secrets Manager, and pass "
            f"exclude=[{self._pattern(path)!r}]; or pass include=[{self._pattern(path)!r}] to package it all the same."
        )


def _left_out(
    path: Path, place: Path, ignore_files: list[gitignore.IgnoreFile], unused: tuple[str, ...]
) -> bool:
    is_folder = place.is_dir()
    return (
        path.name.startswith(".")
        or _matches(Path(path.name), _MADE_BY_TOOLS)
        or (len(path.parts) == 1 and path.name in unused)
        or (is_folder and _is_made_by_tools(place))
        or gitignore.ignores(ignore_files, place, is_folder=is_folder and not place.is_symlink())
    )


def _is_made_by_tools(folder: Path) -> bool:
    """Whether a folder is an environment, a cache, or the output of an app; also of one that is synthesized now."""
    if os.environ.get("CDK_OUTDIR") and folder.resolve() == Path(os.environ["CDK_OUTDIR"]).resolve():
        return True
    return any(name in _MARKS_OF_TOOLS or _STAGED_ASSET.fullmatch(name) for name in _names(folder))


def _names(folder: Path) -> list[str]:
    try:
        return [place.name for place in folder.iterdir()]
    except OSError as error:
        raise InvalidPropsError(
            f"entry has the folder {folder}, which cannot be read: {error.strerror}."
        ) from None


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _matches(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path.as_posix(), pattern) for pattern in patterns)


def _may_match_below(folder: Path, pattern: str) -> bool:
    """Whether a pattern names something in a folder; then the folder is searched, though it is left out."""
    names = pattern.split("/")
    return len(names) > len(folder.parts) and all(map(fnmatchcase, folder.parts, names))
