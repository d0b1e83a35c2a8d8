"""The code of a CloudFront function: what is refused of it before CloudFront refuses it, or each request fails."""

import re
from pathlib import Path

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError


def read(code: object, *, has_store: bool) -> str:
    """Read the code, and refuse what the runtime does not have.

    Args:
        code: What was passed as `code`.
        has_store: Whether the function has a key value store.

    Returns:
        The code.

    Raises:
        InvalidPropsError: It is not a file with a function named `handler` that can run.
    """
    if not isinstance(code, str | Path):
        raise InvalidPropsError(f"code must be a path of a JavaScript file, got {_validation.shown(code)}.")
    file = Path(code)
    if not file.is_file():
        raise InvalidPropsError(
            f"code must be a JavaScript file, got {str(code)!r}, which is not one: a relative path starts at the "
            f"current directory. Write Path(__file__).parent / 'rewrite.js' for a file next to your own."
        )
    content = file.read_bytes()
    if len(content) > _defaults.CLOUDFRONT_FUNCTION_BYTES_MAX:
        raise InvalidPropsError(
            f"code must be at most {_defaults.CLOUDFRONT_FUNCTION_BYTES_MAX:,} bytes, got {len(content):,} in {file}: "
            "comments count too. Put data into a key_value_store, or use a Lambda function. "
            f"See {_defaults.CLOUDFRONT_QUOTAS}"
        )
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise InvalidPropsError(f"code must be text in UTF-8, got {file}, which is not.") from None
    _check(file, _without_comments(text), has_store=has_store)
    return text


def _check(file: Path, text: str, *, has_store: bool) -> None:
    runtime = _defaults.CLOUDFRONT_FUNCTION_RUNTIME
    if not re.search(r"\bfunction\s+handler\s*\(|\b(?:var|let|const)\s+handler\s*=", text):
        raise InvalidPropsError(
            f"code must have a function named handler, and {file} does not: CloudFront calls handler(event). "
            f"See {runtime}"
        )
    if exported := re.search(r"^\s*(export\s|module\.exports\b|exports\.)", text, flags=re.MULTILINE):
        raise InvalidPropsError(
            f"code must not export anything, and {file} has {exported[1].strip()!r}: CloudFront finds handler by its "
            f"name. A handler for Lambda@Edge is passed as function=. See {runtime}"
        )
    loaded = re.findall(r"\brequire\s*\(\s*['\"]([^'\"]+)['\"]|\bfrom\s+['\"]([^'\"]+)['\"]", text)
    known = _defaults.CLOUDFRONT_FUNCTION_MODULES
    for module in (required or imported for required, imported in loaded):
        if module not in known:
            raise InvalidPropsError(
                f"code must load no modules but {', '.join(known)}, and {file} loads {module!r}. Use a Lambda function "
                f"for what needs others. See {runtime}"
            )
    bare = _without_texts(text)
    for name in _defaults.CLOUDFRONT_FUNCTION_LACKS:
        called = re.search(rf"(?<![\w$.]){name}\s*\(", bare)
        own = re.search(rf"\b(?:function|var|let|const)\s+{name}\b", bare)
        if called and not own:
            raise InvalidPropsError(
                f"code must not call {name}(), and {file} does: the runtime has no network, timers or dynamic code. "
                f"Use a Lambda function for what needs them. See {runtime}"
            )
    if re.search(r"\bcf\s*\.\s*kvs\s*\(\s*\)", text) and not has_store:
        raise InvalidPropsError(
            f"code must not read a key value store without one, and {file} calls cf.kvs(). Pass key_value_store. "
            f"See {_defaults.CLOUDFRONT_KEY_VALUE_STORE}"
        )


_TEXT = r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)"""


def _without_comments(text: str) -> str:
    """The code without its comments; texts in quotes stay, whatever they look like."""
    return re.sub(rf"{_TEXT}|//[^\n]*|/\*.*?\*/", lambda found: found[1] or " ", text, flags=re.DOTALL)


def _without_texts(code: str) -> str:
    return re.sub(_TEXT, "''", code, flags=re.DOTALL)
