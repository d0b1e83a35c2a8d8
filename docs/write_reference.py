"""Write docs/reference: a page for each public name, from its annotations and docstring. `python3 dev.py docs` runs it.

griffe reads the sources without importing them. griffe2md, which writes Markdown from the same model, does not fit: its
pages show private names and the code that sets an attribute, leave out the defaults, and link to anchors that do not
exist. mkdocstrings and pdoc write HTML; pydoc-markdown and lazydocs are not maintained.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import griffe

from constructs_lib import _defaults

TOP: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = TOP / "docs" / "reference"
PACKAGE: Final = "constructs_lib"
RUNTIME: Final = "constructs_lib.runtime"
LOCAL: Final = "constructs_lib.local"

CHAPTERS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "Constructs": {
        PACKAGE: (
            "PythonFunction", "PythonLayer", "ContainerFunction", "QueueConsumer", "KinesisConsumer",
            "TableStreamConsumer", "KafkaConsumer",
            "KafkaAuthentication", "BrokerConsumer", "ProxiedDatabase", "LiveAlias", "ProvisionedApi", "Authorization",
            "Route", "UsagePlan", "FunctionEndpoint", "EdgeFunction", "AsyncDestinations", "Durable",
            "ManagedInstances", "DurableExecutions", "LongJob", "IdempotencyTable", "UserPoolTriggers", "EventRule",
            "BucketEvents", "TopicSubscription", "ScheduledInvocation", "KillSwitch",
            "ConcurrencyBudget", "AlarmSettings", "InvalidPropsError",
        ),
    },
    "For handlers: `constructs_lib.runtime`": {
        f"{RUNTIME}.database": (
            "Database", "Login", "CommitUnknownError", "LoginUnavailableError", "NotBegunError",
        ),
        f"{RUNTIME}.once": ("Once",),
        f"{RUNTIME}.secret_login": ("SecretLogin",),
        f"{RUNTIME}.iam_login": ("IamLogin",),
        f"{RUNTIME}.credentials": ("CredentialSource", "Credentials"),
        f"{RUNTIME}.application_user": ("ensure_application_user",),
        f"{RUNTIME}.redrive": ("handle", "redrive"),
        f"{RUNTIME}.stream_redrive": ("handle", "redrive"),
        f"{RUNTIME}.start": ("handle", "start", "start_batch", "name_of"),
    },
    "For tests": {
        f"{PACKAGE}.testing": ("normal_form",),
        LOCAL: ("LocalCloud", "LocalCloudError"),
        f"{LOCAL}.http_calls": ("Caller", "Answer", "call"),
    },
}  # fmt: skip
"""Each public name, in the order of the index, below the module to import it from."""

INTERNAL: Final = {
    f"{RUNTIME}.drivers": "what the three drivers do differently",
    f"{RUNTIME}.database.refuse_uncommittable": "shared by Database and Once",
    f"{RUNTIME}.iam_login.sign": "IamLogin calls it",
    **dict.fromkeys(
        (
            f"{RUNTIME}.stream_redrive.{name}"
            for name in (
                "Batch",
                "BucketOfFailures",
                "Failures",
                "Function",
                "KinesisStream",
                "QueueOfFailures",
                "TableStream",
            )
        ),
        "parts of handle",
    ),
}
"""What has a public name in the runtime, and is not for users."""

GUIDES: Final = {
    "PythonFunction": "function.md",
    "PythonLayer": "function.md",
    "ContainerFunction": "function.md",
    "QueueConsumer": "queue.md",
    "KafkaConsumer": "brokers.md",
    "KafkaAuthentication": "brokers.md",
    "BrokerConsumer": "brokers.md",
    "ProxiedDatabase": "database.md",
    "LiveAlias": "api.md",
    "ProvisionedApi": "api.md",
    "Authorization": "api.md",
    "Route": "api.md",
    "UsagePlan": "api.md",
    "FunctionEndpoint": "function-url.md",
    "AsyncDestinations": "asynchronous-invocation.md",
    "Durable": "durable.md",
    "DurableExecutions": "durable.md",
    "ManagedInstances": "managed-instances.md",
    "IdempotencyTable": "idempotency.md",
    "UserPoolTriggers": "user-pools.md",
    "EdgeFunction": "edge.md",
    "LongJob": "long-jobs.md",
    "EventRule": "asynchronous-invocation.md",
    "BucketEvents": "asynchronous-invocation.md",
    "TopicSubscription": "asynchronous-invocation.md",
    "ScheduledInvocation": "asynchronous-invocation.md",
    "KillSwitch": "asynchronous-invocation.md",
    "ConcurrencyBudget": "concurrency.md",
    "AlarmSettings": "alarms.md",
    "KinesisConsumer": "streams.md",
    "TableStreamConsumer": "streams.md",
    f"{RUNTIME}.redrive": "asynchronous-invocation.md",
    f"{RUNTIME}.stream_redrive": "streams.md",
    f"{RUNTIME}.start": "durable.md",
    RUNTIME: "database.md",
    "normal_form": "function.md",
    LOCAL: "local-cloud.md",
}
"""The page that explains each name or module."""


def library() -> griffe.Module:
    """Read the sources.

    Returns:
        The package `constructs_lib`.
    """
    loader = griffe.GriffeLoader(
        search_paths=[TOP],
        docstring_parser="google",
        docstring_options={"returns_multiple_items": False, "returns_named_value": False},
        allow_inspection=False,
    )
    package = loader.load(PACKAGE)
    assert isinstance(package, griffe.Module)  # noqa: S101 - no alias is called so
    return package


def public_names() -> Iterator[tuple[str, str]]:
    """Walk the chapters.

    Yields:
        The module to import from, and the name.
    """
    for modules in CHAPTERS.values():
        for module, names in modules.items():
            for name in names:
                yield module, name


def found(package: griffe.Module, module: str, name: str) -> griffe.Class | griffe.Function:
    """Look a public name up.

    Args:
        package: From `library`.
        module: Where users import it from.
        name: The name there.

    Returns:
        The class or function.
    """
    home = package if module == PACKAGE else package[module.removeprefix(f"{PACKAGE}.")]
    each = home[name] if name in home.members else home[home.imports[name]]
    if isinstance(each, griffe.Alias):
        each = package[each.target_path.removeprefix(f"{PACKAGE}.")]
    assert isinstance(each, griffe.Class | griffe.Function)  # noqa: S101 - nothing else is public
    return each


def pages() -> dict[str, str]:
    """Make all pages.

    Returns:
        The text of each, by the name of its file.
    """
    package = library()
    made = {}
    index = [
        "# Reference",
        "",
        "Every public name, with all its arguments and attributes. In the types, `sqs` stands for",
    ]
    index += ["`aws_cdk.aws_sqs`, `lambda_` for `aws_cdk.aws_lambda`, and so on.", ""]
    index += ["<!-- Written by `python3 dev.py docs` from the docstrings: do not edit. -->", ""]
    for chapter, modules in CHAPTERS.items():
        index += [f"## {chapter}", ""]
        for module, names in modules.items():
            for name in names:
                each = found(package, module, name)
                made[f"{_file(module, name)}"] = _page(each, module)
                index += [f"- [`{name}`]({_file(module, name)}):", f"  {_first_sentence(each)}"]
        index += [""]
    made["README.md"] = "\n".join(index).rstrip() + "\n"
    return made


def _file(module: str, name: str) -> str:
    """A function's page has its module in its name: `handle` alone says nothing, and `Database` is not `database`."""
    return f"{name}.md" if name[0].isupper() else f"{module.rpartition('.')[2]}.{name}.md"


_PAGES: Final = {name: _file(module, name) for module, name in public_names()}


def _first_sentence(each: griffe.Object) -> str:
    text = each.docstring.value if each.docstring else ""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return _links(re.split(r"(?<=[.;])\s", paragraph)[0].rstrip(";."), each.name) + "."


_STARS: Final = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}


# --- a page --------------------------------------------------------------------------------------------


def _page(each: griffe.Class | griffe.Function, module: str) -> str:
    source = each.relative_package_filepath.as_posix()
    parents = [module[: match.start()] for match in re.finditer(r"\.", module)]
    guide = next((GUIDES[key] for key in (each.name, module, *reversed(parents)) if key in GUIDES), None)
    lines = [f"# {each.name}", ""]
    lines += [f"    from {module} import {each.name}", ""]
    links = [f"[Source](../../{source})", "[All names](README.md)"]
    if guide:
        links.insert(0, f"[Guide](../{guide})")
    lines += [" | ".join(links), ""]
    lines += ["<!-- Written by `python3 dev.py docs` from the docstrings: do not edit. -->", ""]
    if isinstance(each, griffe.Function):
        lines += [*_signature(each), *_sections(each, "##")]
    else:
        lines += _sections(each, "##")
        if methods := list(_methods(each)):
            lines += ["## Methods", ""]
            for method in methods:
                lines += [f"### `{method.name}`", "", *_signature(method), *_sections(method, "####")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def attributes(cls: griffe.Class) -> dict[str, griffe.Attribute]:
    """Find what an instance has besides methods.

    Args:
        cls: A class of this library.

    Returns:
        Its public attributes and properties by name: declared in the class or in a base class of this library, or set
        in one of their methods.
    """
    return {
        name: member
        for each in (*reversed(cls.mro()), cls)
        for name, member in each.members.items()
        if isinstance(member, griffe.Attribute) and not name.startswith("_")
    }


def _methods(cls: griffe.Class) -> Iterator[griffe.Function]:
    for name, member in cls.members.items():
        if isinstance(member, griffe.Function) and (not name.startswith("_") or name == "__call__"):
            yield member


def _signature(function: griffe.Function) -> list[str]:
    """The call, one argument a line; types and defaults are below."""
    marks, arguments = [], []
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is griffe.ParameterKind.keyword_only and "*" not in marks:
            marks.append("*")
            arguments.append("*")
        if parameter.kind is griffe.ParameterKind.var_positional:
            marks.append("*")
        default = _default(function, parameter)
        arguments.append(
            f"{_STARS.get(parameter.kind, '')}{parameter.name}{'' if default is None else f'={default}'}"
        )
    returns = f" -> {_type(function, function.returns)}".replace("`", "") if function.returns else ""
    assert function.parent is not None  # noqa: S101 - a module or a class has it
    owner = f"{function.parent.name}." if {"staticmethod", "classmethod"} & function.labels else ""
    name = function.parent.name.lower() if function.name == "__call__" else function.name
    line = f"    {owner}{name}({', '.join(arguments)}){returns}"
    if len(line) > 100:
        line = (
            f"    {owner}{name}(\n" + "".join(f"        {each},\n" for each in arguments) + f"    ){returns}"
        )
    return [line, ""]


def _sections(each: griffe.Class | griffe.Function, level: str) -> list[str]:
    """The parts of a docstring in its order, with the types and defaults of the code."""
    lines: list[str] = []
    if each.docstring is None:
        return lines
    has_attributes = False
    for section in each.docstring.parsed:
        if isinstance(section, griffe.DocstringSectionText):
            lines += [_links(section.value, each.name), ""]
        elif isinstance(section, griffe.DocstringSectionParameters):
            lines += [f"{level} Arguments", ""]
            for item in section.value:
                parameter = each.parameters[item.name]
                default = _default(each, parameter)
                how = "required" if default is None else f"default `{default}`"
                how = "any number" if parameter.kind in _STARS else how
                lines += _item(item, [_type(each, parameter.annotation), how], each)
            lines += [""]
        elif isinstance(section, griffe.DocstringSectionAttributes):
            assert isinstance(each, griffe.Class)  # noqa: S101 - a function has none
            has_attributes = True
            lines += _attributes(each, section, level)
        elif isinstance(section, griffe.DocstringSectionReturns | griffe.DocstringSectionYields):
            assert isinstance(each, griffe.Function)  # noqa: S101 - a class returns nothing
            (result,) = section.value
            # griffe takes what stands before a first colon for a type, even in a URL.
            is_type = str(result.annotation) == str(each.returns)
            text = result.description if is_type else f"{result.annotation}: {result.description}"
            lines += [f"{level} Returns", "", _links(text.replace(": //", "://"), each.name), ""]
        elif isinstance(section, griffe.DocstringSectionRaises):
            lines += [f"{level} Raises", ""]
            for error in section.value:
                lines += [f"- `{error.annotation}`:", *_indented(_links(error.description, each.name))]
            lines += [""]
        else:
            raise ValueError(f"{each.path}: no form for a section {section.kind}.")
    if isinstance(each, griffe.Class) and not has_attributes:
        lines += _attributes(each, griffe.DocstringSectionAttributes([]), level)
    return lines


def _attributes(cls: griffe.Class, section: griffe.DocstringSectionAttributes, level: str) -> list[str]:
    """Return the attributes of the docstring, and the properties, which have docstrings of their own."""
    lines = []
    arguments = (
        {parameter.name: parameter for parameter in cls.parameters} if "dataclass" in cls.labels else {}
    )
    for item in section.value:
        member = attributes(cls)[item.name]
        facts = [_type(cls, member.annotation)]
        if item.name in arguments:
            default = _default(cls, arguments[item.name])
            facts.append("required" if default is None else f"default `{default}`")
        lines += _item(item, facts, cls)
    for name, member in attributes(cls).items():
        if "property" in member.labels and member.docstring:
            text = member.docstring.parsed[0].value
            assert isinstance(text, str)  # noqa: S101 - a docstring begins with text
            lines += [
                f"- **`{name}`** ({_type(cls, member.annotation)}):",
                *_indented(_links(text, cls.name)),
            ]
    title = "Arguments, and attributes of the same names" if arguments else "Attributes"
    return [f"{level} {title}", "", *lines, ""] if lines else []


def _item(item: griffe.DocstringNamedElement, facts: list[str], of: griffe.Object) -> list[str]:
    known = ", ".join(fact for fact in facts if fact)
    return [
        f"- **`{item.name}`**{f' ({known})' if known else ''}:",
        *_indented(_links(item.description, of.name)),
    ]


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]


def _links(text: str, own: str) -> str:
    """Link the first mention of each public class, and the guides."""
    for name, file in _PAGES.items():
        if name != own and name[0].isupper():
            text = re.sub(rf"(?<!\[)`{name}`", f"[`{name}`]({file})", text, count=1)
    text = re.sub(r"(?<![\w/\[(])docs/([\w-]+)\.md", r"[docs/\1.md](../\1.md)", text)
    return re.sub(r"(?<![<(\[`])https://[^\s,)]+[^\s,.)]", lambda match: f"<{match[0]}>", text)


# --- types and defaults --------------------------------------------------------------------------------


def _type(each: griffe.Object, annotation: object) -> str:
    """Return the type as the source has it, without `Final` and with our own names for unions spelled out."""
    text = re.sub(r"^(?:Final|ClassVar)(?:\[(.*)\])?$", r"\1", str(annotation or "").strip("'\""))
    for name, meaning in _unions(each.package).items():
        text = re.sub(rf"\b(?:\w+\.)?{name}\b", meaning, text)
    return f"`{text}`" if text else ""


@cache
def _unions(package: griffe.Module) -> dict[str, str]:
    """What `FunctionLike`, `Authentication` and their like stand for."""
    return {
        name: str(member.value)
        for module in _modules(package)
        for name, member in module.members.items()
        if re.fullmatch(r"[A-Z][a-z]\w+", name)
        and isinstance(member, griffe.Attribute)
        and re.search(r" \| |^Literal\[", str(member.value))
    }


def _modules(module: griffe.Module) -> Iterator[griffe.Module]:
    yield module
    for each in module.modules.values():
        if not each.is_alias:
            yield from _modules(each)


def _default(each: griffe.Class | griffe.Function, parameter: griffe.Parameter) -> str | None:
    """A number that has a name of ours as a number, anything else as it is written; None where there is none."""
    if parameter.default is None or parameter.kind in _STARS:
        return None
    text = str(parameter.default)
    constants = {
        name: ast.literal_eval(str(value.value))
        for name, value in each.module.members.items()
        if isinstance(value, griffe.Attribute) and _is_literal(str(value.value))
    }
    try:
        value = eval(text, {"_defaults": _defaults, "__builtins__": {}}, constants)  # noqa: S307 - our own code
    except (NameError, AttributeError):
        return text
    return repr(value) if _is_literal(repr(value)) else text


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


def main() -> int:
    """Write the pages, and delete those whose name is gone.

    Returns:
        The exit code.
    """
    wanted = pages()
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.glob("*.md"):
        if file.name not in wanted:
            file.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)
    sys.stdout.write(f"{len(wanted)} pages in {FOLDER.relative_to(TOP)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
