"""The folder that packages, and the wheels of local projects, are kept in, each under the hash of its input."""

import os
import shutil
import tempfile
import time
from pathlib import Path

_UNUSED_SECONDS = 30 * 24 * 3600


def folder(kind: str) -> Path:
    """A folder in CONSTRUCTS_LIB_CACHE_DIR, or else in the user's cache folder.

    Args:
        kind: What is kept in it: `packages` or `wheels`.

    Returns:
        Its path; it may not exist yet.
    """
    if own := os.environ.get("CONSTRUCTS_LIB_CACHE_DIR"):
        return Path(own).resolve() / kind
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).resolve() / "constructs-lib" / kind


def made(kind: str) -> Path:
    """The same folder, which now exists, and is marked: what is in it is never an input of a package or a backup."""
    place = folder(kind)
    place.mkdir(parents=True, exist_ok=True)
    (place / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
    return place


def move(draft: Path, place: Path) -> None:
    """Move what was made into its place at once: two synths at a time never see half of it."""
    try:
        draft.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        if all((place / made.name).exists() for made in draft.iterdir()):
            return  # another synth was quicker
        _delete(place)  # something else has deleted a part of it
        draft.rename(place)


def forget_unused() -> None:
    """Delete what no synth has used for 30 days."""
    for place in (*folder("packages").glob("*"), *folder("wheels").glob("*")):
        try:
            if time.time() - place.stat().st_mtime > _UNUSED_SECONDS:
                _delete(place)
        except FileNotFoundError:
            continue  # another synth was quicker


def _delete(place: Path) -> None:
    """Delete a folder or a file that another synth may be looking for: it sees all of it, or nothing."""
    aside = Path(tempfile.mkdtemp(dir=place.parent, prefix=".deleting-"))
    place.rename(aside / place.name)
    shutil.rmtree(aside, ignore_errors=True)
