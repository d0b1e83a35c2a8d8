"""`.gitignore` files are read as git reads them: git itself is the judge."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from constructs_lib.foundation.function import gitignore

GIT = shutil.which("git")
SEEDS = range(60)

NAMES = ("a", "b", "ab", "a-b", "a]", "!a", "#a", "a b", "a ", "É", ".a", "a.py", "b.py", "A1", "a\\b", "[a]")
PIECES = (
    "a", "b", "*", "**", "?", "[ab]", "[!a]", "[^b]", "[a-c]", "[]a]", "[[:alpha:]]", "[z-a]", "[a", "\\*", "\\a",
    "\\!", "\\#", "\\ ", ".", "py", "/", "/", "/", "-", "***", "[[:nope:]]", "[a\\]]", " ", "É",
)  # fmt: skip


def random_pattern(chance: random.Random) -> str:
    pattern = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 5)))
    start = chance.choice(("", "", "", "/", "!", "**/", "#"))
    return start + pattern + chance.choice(("", "", "", "/", "/**", "/*", "  ", "\\ ", "\r"))


def random_tree(folder: Path, chance: random.Random, depth: int = 0) -> None:
    names = chance.sample(NAMES, k=chance.randint(2, 6))
    for name in names:
        if depth < 3 and chance.random() < 0.5:
            (folder / name).mkdir()
            random_tree(folder / name, chance, depth + 1)
        else:
            (folder / name).write_text("")
    if depth == 0 or chance.random() < 0.4:
        patterns = "\n".join(random_pattern(chance) for _ in range(chance.randint(1, 5)))
        (folder / ".gitignore").write_text(patterns + "\n", encoding="utf-8", newline="")


def kept_by_git(top: Path) -> set[str]:
    alone = {"PATH": os.environ["PATH"], "HOME": str(top), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run([str(GIT), "init", "--quiet"], cwd=top, env=alone, check=True)
    done = subprocess.run(
        [str(GIT), "ls-files", "--others", "--exclude-standard", "-z"],
        cwd=top, env=alone, check=True, capture_output=True,
    )  # fmt: skip
    return {name for name in done.stdout.decode().split("\0") if name}


def kept_by_us(top: Path, entry: Path) -> Iterator[str]:
    def walk(folder: Path, files: list[gitignore.IgnoreFile]) -> Iterator[str]:
        files = files + ([found] if (found := gitignore.read(folder)) else [])
        for path in folder.iterdir():
            if path.name == ".git" or gitignore.ignores(files, path, is_folder=path.is_dir()):
                continue
            if path.is_dir():
                yield from walk(path, files)
            else:
                yield path.relative_to(top).as_posix()

    yield from walk(entry, gitignore.above(entry))


@pytest.mark.skipif(GIT is None, reason="there is no git on this machine")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_files_are_kept_as_by_git(tmp_path: Path, seed: int) -> None:
    random_tree(tmp_path, random.Random(seed))  # noqa: S311 - no cryptography
    kept = kept_by_git(tmp_path)
    assert set(kept_by_us(tmp_path, tmp_path)) == kept
    # The rules of a folder come from the folders above it, too.
    for folder in (path for path in tmp_path.iterdir() if path.is_dir() and path.name != ".git"):
        below = {name for name in kept if name.startswith(f"{folder.name}/")}
        if below:
            assert set(kept_by_us(tmp_path, folder)) == below


@pytest.mark.skipif(GIT is None, reason="there is no git on this machine")
def test_random_patterns_ignore_some_files_and_keep_others(tmp_path: Path) -> None:
    """The comparison above means something."""
    kept = total = 0
    for seed in SEEDS:
        top = tmp_path / str(seed)
        top.mkdir()
        random_tree(top, random.Random(seed))  # noqa: S311 - no cryptography
        total += sum(path.is_file() for path in top.rglob("*"))
        kept += len(kept_by_git(top))
    assert total / 4 < kept < total * 9 / 10


def test_outside_of_a_work_tree_nothing_above_counts(tmp_path: Path) -> None:
    entry = tmp_path / "functions" / "ship"
    entry.mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("*.json\n")
    assert gitignore.above(entry) == []
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")  # as in a linked work tree
    assert gitignore.ignores(gitignore.above(entry), entry / "a.json", is_folder=False)


def test_a_folder_that_is_ignored_itself_is_a_build_of_its_own(tmp_path: Path) -> None:
    entry = tmp_path / "build" / "ship"
    entry.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("build/\n*.py\n")
    assert gitignore.above(entry) == []
