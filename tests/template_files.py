"""The files of reviewed templates: one per scene, and beside it what CDK's recommended feature flags change in it."""

import difflib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from syrupy.data import Snapshot, SnapshotCollection
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation
from syrupy.types import SerializableData, SerializedData, SnapshotIndex


def text_of(template: dict[str, Any]) -> str:
    """Write a template as a person would indent it."""
    return json.dumps(template, indent=2) + "\n"


def difference(old: str, new: str) -> str:
    """Write what turns one text of JSON into another, under the keys that it lies in and without line numbers."""
    before, after = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    hunks = []
    for what, start, end, new_start, new_end in matcher.get_opcodes():
        if what != "equal":
            hunks.append(f"@@ {' / '.join(enclosing_keys(before, start))}")
            hunks += [f"-{line}" for line in before[start:end]]
            hunks += [f"+{line}" for line in after[new_start:new_end]]
    return "".join(f"{line}\n" for line in hunks)


def enclosing_keys(lines: Sequence[str], number: int) -> list[str]:
    """Name the keys that a line of indented JSON lies in, the outermost first."""

    def outwards() -> Iterator[str]:
        depth = indentation(lines[number])
        for line in reversed(lines[:number]):
            if indentation(line) < depth:
                depth = indentation(line)
                key, colon, _ = line.strip().partition('": ')
                if colon:
                    yield key.removeprefix('"')

    return list(outwards())[::-1]


def indentation(line: str) -> int:
    """Count the spaces that a line begins with."""
    return len(line) - len(line.lstrip())


class SceneFile(SingleFileSnapshotExtension):
    """A file named after its scene. To syrupy it keeps the name of its test, by which `-k` and `::` select."""

    _write_mode = WriteMode.TEXT
    test: ClassVar[str]

    def serialize(self, data: SerializableData, **_: Any) -> SerializedData:
        """Take the text as it is."""
        return str(data)

    @classmethod
    def get_file_basename(cls, *, test_location: PyTestLocation, index: SnapshotIndex) -> str:
        """Take the scene from `test[scene]`."""
        return test_location.snapshot_name.removeprefix(f"{cls.test}[").removesuffix("]")

    def read_snapshot_collection(self, *, snapshot_location: str) -> SnapshotCollection:
        """Find the name that belongs to a file."""
        scene = Path(snapshot_location).name.removesuffix(f".{self.file_extension}")
        collection = SnapshotCollection(location=snapshot_location)
        collection.add(Snapshot(name=f"{self.test}[{scene}]"))
        return collection

    @classmethod
    def matches_test_location(cls, *, test_location: PyTestLocation, snapshot_location: str) -> bool:
        """Tell whether a file is that of a test."""
        return cls.get_location(test_location=test_location, index=0) == snapshot_location


class TemplateFile(SceneFile):
    """A scene's template."""

    file_extension = "bare.json"
    test = "test_template_is_as_reviewed"


class FlagsFile(SceneFile):
    """What the feature flags change in it."""

    file_extension = "flags.diff"
    test = "test_flags_change_what_was_reviewed"
