"""Read `.gitignore` files as git does, so that a package is the same with git and without it.

Source: https://git-scm.com/docs/gitignore
"""

import codecs
import os
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

_CLASSES = {
    "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "blank": " \\t", "cntrl": "\\x00-\\x1f\\x7f", "digit": "0-9",
    "graph": "!-~", "lower": "a-z", "print": " -~", "punct": "!-/:-@\\[-`{-~", "space": " \\t-\\r",
    "upper": "A-Z", "xdigit": "0-9A-Fa-f",
}  # fmt: skip


@dataclass(frozen=True)
class _Pattern:
    matches: re.Pattern[str]
    negated: bool
    folders_only: bool
    whole_path: bool


@dataclass(frozen=True)
class IgnoreFile:
    """One `.gitignore` file.

    Attributes:
        folder: The folder that the file is in.
        patterns: Its patterns in reverse: the last one that matches decides.
    """

    folder: Path
    patterns: tuple[_Pattern, ...]

    def verdict(self, path: Path, *, is_folder: bool) -> bool | None:
        """Whether the file ignores a path below its folder; None if no pattern matches."""
        for pattern in self.patterns:
            if pattern.folders_only and not is_folder:
                continue
            text = path.relative_to(self.folder).as_posix() if pattern.whole_path else path.name
            if pattern.matches.fullmatch(_bytewise(os.fsencode(text))):
                return not pattern.negated
        return None


def read(folder: Path) -> IgnoreFile | None:
    """Read the `.gitignore` file of a folder, if it has one."""
    file = folder / ".gitignore"
    if not file.is_file():
        return None
    lines = _bytewise(file.read_bytes().removeprefix(codecs.BOM_UTF8)).split("\n")
    patterns = [found for line in lines if (found := _pattern(line.removesuffix("\r")))]
    return IgnoreFile(folder, tuple(reversed(patterns)))


def above(folder: Path) -> list[IgnoreFile]:
    """The files of the folders above a folder, up to the top of its git work tree, from top to bottom.

    There are none outside a work tree. A folder that these files ignore altogether was made by a build: they
    describe the repository, and not what is in such a folder.
    """
    parents = [folder, *folder.parents]
    top = next((n for n, parent in enumerate(parents) if (parent / ".git").exists()), None)
    if top is None:
        return []
    found: list[IgnoreFile] = []
    for child, parent in reversed(list(pairwise(parents[: top + 1]))):
        found += [file] if (file := read(parent)) else []
        if ignores(found, child, is_folder=True):
            return []
    return found


def ignores(files: list[IgnoreFile], path: Path, *, is_folder: bool) -> bool:
    """Whether files, from top to bottom, ignore a path; the lowest one with an opinion decides."""
    verdicts = (file.verdict(path, is_folder=is_folder) for file in reversed(files))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def _bytewise(text: bytes) -> str:
    """One character a byte: git's `?` and `[...]` stand for a byte."""
    return text.decode("latin-1")


def _pattern(line: str) -> _Pattern | None:
    line = re.sub(r"(?<!\\)((?:\\\\)*) +$", r"\1", line)
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    line = line[1:] if negated else line
    folders_only = line.endswith("/")
    line = line[:-1] if folders_only else line
    expression = _translated(line.removeprefix("/"))
    if not line or expression is None:
        return None
    return _Pattern(re.compile(expression, re.DOTALL), negated, folders_only, whole_path="/" in line)


def _translated(glob: str) -> str | None:
    """A pattern as a regular expression; None for one that matches nothing."""
    literal = len(re.split(r"[*?\[\\]", glob, maxsplit=1)[0])
    expression, at = "", 0
    while at < len(glob):
        character = glob[at]
        if character == "*":
            end = len(glob) - len(glob[at:].lstrip("*"))
            # git compares the text before the first special character by itself, and starts anew behind it.
            starts = at == literal or glob[at - 1] == "/"
            stands_alone = starts and glob[end : end + 1] in ("", "/")
            if end - at > 1 and stands_alone:
                expression += "(?:.*/)?" if end < len(glob) else ".*"
                end += 1
            else:
                expression += "[^/]*"
            at = end
        elif character == "[":
            found = _bracket(glob, at)
            if found is None:
                return None
            expression += found[0]
            at = found[1]
        elif character == "\\":
            if at + 1 == len(glob):
                return None
            expression += re.escape(glob[at + 1])
            at += 2
        else:
            expression += "[^/]" if character == "?" else re.escape(character)
            at += 1
    return expression


def _bracket(glob: str, at: int) -> tuple[str, int] | None:
    """A character class as a regular expression, and where it ends; None if it does not end."""
    whole = re.compile(r"\[([!^]?)(\]?(?:\[:\w+:\]|\\.|[^\]\\])*)\]", re.DOTALL).match(glob, at)
    if whole is None:
        return None
    tokens = re.findall(r"\[:(\w+):\]|\\(.)|(.)", whole[2], re.DOTALL)
    inside, n = "", 0
    while n < len(tokens):
        name, escaped, plain = tokens[n]
        if name and name not in _CLASSES:
            return None
        if not name and n + 2 < len(tokens) and tokens[n + 1][2] == "-" and not tokens[n + 2][0]:
            first, last = escaped or plain, tokens[n + 2][1] or tokens[n + 2][2]
            inside += f"{re.escape(first)}-{re.escape(last)}" if first <= last else ""
            n += 3
        else:
            inside += _CLASSES[name] if name else re.escape(escaped or plain)
            n += 1
    matching = f"[{'^' if whole[1] else ''}{inside}]" if inside else "." if whole[1] else "(?!)"
    return f"(?!/){matching}", whole.end()
