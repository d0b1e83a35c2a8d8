"""The arguments that functions and layers have in common, and what is refused of them."""

from pathlib import Path

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function.requirements import Selection


def check_packaging(entry: object, bytecode: object, selection: Selection) -> None:
    """Refuse what Python lets pass and packaging would choke on, such as one text in the place of a list.

    Args:
        entry: What was passed as `entry`.
        bytecode: What was passed as `bytecode`.
        selection: What was passed for the files and the requirements to package.

    Raises:
        InvalidPropsError: One of them is of another type; it is named as the constructs have it.
    """
    if not isinstance(entry, str | Path):
        raise InvalidPropsError(f"entry must be a path, got {_validation.shown(entry)}.")
    for name, value, plural in (
        ("include", selection.include, "glob patterns"),
        ("exclude", selection.exclude, "glob patterns"),
        ("extras", selection.extras, "names of extras"),
        ("dependency_groups", selection.groups, "names of dependency groups"),
        ("build_from_source", selection.from_source, "names of packages"),
    ):
        _validation.check_parts(name, value, "casefold", plural)
    if bytecode is not None:
        _validation.check_flag("bytecode", bytecode)


def check_description(description: str | None, *, source: str) -> None:
    """Refuse a description that Lambda does not take.

    Args:
        description: What was passed as `description`.
        source: The page that gives the limit.

    Raises:
        InvalidPropsError: It is not text, or too long.
    """
    if description is None:
        return
    _validation.check_text("description", description)
    most = _defaults.FUNCTION_DESCRIPTION_CHARACTERS_MAX
    if not _validation.is_unresolved(description) and len(description) > most:
        raise InvalidPropsError(
            f"description must be at most {most} characters, got {len(description)}. See {source}"
        )
