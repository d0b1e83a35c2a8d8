"""The code of a function: packaged, and read for what would fail at the first invocation."""

from dataclasses import dataclass, field
from pathlib import Path

from constructs_lib import _defaults
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.function import (
    handler_code,
    interpreter,
    managed_python,
    packaging,
    requirement_files,
    uv_lock,
)
from constructs_lib.foundation.function.handler_code import Findings
from constructs_lib.foundation.function.installation import Target
from constructs_lib.foundation.function.interpreter import Interpreter
from constructs_lib.foundation.function.requirements import Selection


@dataclass(frozen=True)
class Code:
    """A package, and what the user should know about it.

    Attributes:
        package: The package.
        warnings: Texts by the end of their id.
        infos: What the user should know about this machine's Pythons: texts by their id, once for each stack.
        heavy_imports: What the user should know about what the function imports; empty if that is little.
    """

    package: packaging.Package
    warnings: dict[str, str] = field(default_factory=dict)
    infos: dict[str, str] = field(default_factory=dict)
    heavy_imports: str = ""


def target(runtime_name: str, architecture: str, *, for_host: bool) -> Target:
    """The machine to package for: Lambda's, or this one where the local cloud asks for it."""
    if for_host:
        return Target(interpreter.HOST.version.rpartition(".")[0], platform=None)
    python = runtime_name.removeprefix("python")
    # Amazon Linux 2023 has glibc 2.34; 3.11 still runs on Amazon Linux 2 with 2.26.
    glibc = "2_17" if python == "3.11" else "2_34"
    machine = "aarch64" if architecture == "arm64" else "x86_64"
    return Target(python, platform=f"{machine}-manylinux_{glibc}")


def compiler(target: Target, bytecode: bool | None) -> Interpreter | None:
    """The Python that compiles for a target; None if there is none, or if nothing is to be compiled.

    Raises:
        InvalidPropsError: `bytecode` is True, there is none, and uv cannot install one.
    """
    if bytecode is False:
        return None
    found = interpreter.find(target.python)
    return managed_python.install(target.python) if found is None and bytecode else found


def infos(target: Target, bytecode: bool | None, compiler: Interpreter | None) -> dict[str, str]:
    """What a user should know about the Python that compiles: that it was installed, or that there is none."""
    if installed := managed_python.installed(target.python):
        return dict([installed.note()])
    if compiler is not None or bytecode is False:
        return {}
    text = (
        f"No python{target.python} found on this machine: packages for it carry no bytecode, and every cold start "
        f"compiles all imports again. Pass bytecode=True, with which uv installs one; or install one yourself (uv "
        f"python install {target.python}); or pass bytecode=False if this is intended."
    )
    return {f"constructs-lib:no-bytecode-python{target.python}": text}


def package(
    entry: Path,
    handler: str,
    target: Target,
    *,
    bytecode: bool | None,
    selection: Selection,
    include_runtime: bool,
    has_layers: bool,
    has_python_path: bool,
) -> Code:
    """Package a function, and read its code.

    Args:
        entry: The folder with the handler.
        handler: As Lambda writes it.
        target: The machine to package for.
        bytecode: As in PythonFunction.
        selection: What it installs, and which files it includes or leaves out.
        include_runtime: Whether to package `constructs_lib.runtime`.
        has_layers: Whether modules may come from a layer.
        has_python_path: Whether modules may come from elsewhere, by the variable PYTHONPATH.

    Raises:
        InvalidPropsError: The handler does not exist, or the package cannot be made.
    """
    module, _ = handler_code.split(handler)
    packaging.check_entry(entry)
    missing = None
    code = handler_code.code_folder(entry, module)
    try:
        handler_code.check(code, handler, python=target.python)
    except InvalidPropsError as error:
        if handler_code.located(code, module):
            raise
        # A form of requirements that is not read may be the cause.
        if not has_layers and requirement_files.find(entry.resolve(), None, target.python, selection) is None:
            raise
        missing = error  # it may come with a dependency or a layer, as the wrappers of monitoring tools do
    found = compiler(target, bytecode)
    built = packaging.build(
        entry,
        target,
        module=module,
        interpreter=found,
        selection=selection,
        include_runtime=include_runtime,
    )
    if missing is None:
        if handler_code.located(built.path, module) is None:
            raise InvalidPropsError(
                f"handler is in {handler_code.located(code, module)}, which is not packaged: exclude, a .gitignore "
                f"file or another rule leaves it out. Remove it from exclude, or pass include with its path."
            )
        findings = handler_code.examine(
            built.path,
            built.own_files,
            [code, *(folder / place for folder in built.local_folders for place in (".", "src"))],
            module,
            python=target.python,
            compiled=found is not None,
        )
        if has_layers or has_python_path:
            findings.unprovided.clear()
        warnings = _warnings(findings, entry, handler, target)
        if not has_layers:
            warnings |= _without_libpq(built.path, entry)
    else:
        warnings = _elsewhere(missing, built.path, code, handler, target, has_layers=has_layers)
    return Code(built, warnings, infos(target, bytecode, found), _heavy_imports(built, handler))


def _elsewhere(
    missing: InvalidPropsError, path: Path, code: Path, handler: str, target: Target, *, has_layers: bool
) -> dict[str, str]:
    """Accept a handler that comes with a dependency or, as far as can be told, with a layer."""
    module, _ = handler_code.split(handler)
    try:
        handler_code.check(path, handler, python=target.python)
    except InvalidPropsError:
        if handler_code.located(path, module):
            raise
        if not (has_layers and handler_code.may_be_elsewhere(path, module)):
            raise missing from None
        if handler_code.is_near_miss(code, module):
            return {"handler-in-a-layer": f"{missing} It is expected to be in one of the layers."}
    return {}


def _warnings(findings: Findings, entry: Path, handler: str, target: Target) -> dict[str, str]:
    warnings = {}
    for found in findings.left_out:
        warnings[f"left-out-{found.name}"] = (
            f"{found.file} imports {found.name} (line {found.line}), which is in entry and not in the package: "
            f"exclude, a .gitignore file or another rule leaves it out. Pass include with its path."
        )
    for found in findings.unprovided:
        warnings[f"import-{found.name}"] = (
            f"{found.file} imports {found.name} (line {found.line}), and nothing provides it: neither entry and "
            f"its requirements, nor Python {target.python}, nor Lambda. Add it to the requirements in entry."
            f"{_hint(entry, handler, found.name)}"
        )
    for file in findings.unread:
        warnings[f"syntax-{file}"] = (
            f"{file} cannot be parsed by Python {interpreter.HOST.version}, which runs this app, and no Python "
            f"{target.python} was found to tell newer syntax from an error. Install one (uv python install "
            f"{target.python})."
        )
    return warnings


def _heavy_imports(package: packaging.Package, handler: str) -> str:
    imports = package.imports
    if imports.total_source_bytes <= _defaults.HEAVY_IMPORTS_BYTES:
        return ""
    sdk = " In addition, boto3 is imported from Lambda's runtime." if imports.from_runtime else ""
    return (
        f"{handler} imports {imports.total_modules} modules with {imports.total_source_bytes / 1024 / 1024:.1f} MB of "
        f"source when it is loaded, at every cold start. The heaviest: {imports.heaviest(3)}.{sdk} Import less, or "
        f"import what few invocations need where they need it: see Cold starts in docs/function.md."
    )


def _without_libpq(path: Path, entry: Path) -> dict[str, str]:
    """Psycopg without the C library that it calls, which no wheel of its own name has, and Lambda has not either."""
    if not (path / "psycopg").is_dir() or any(
        (path / f"psycopg_{kind}").is_dir() for kind in ("binary", "c")
    ):
        return {}
    return {
        "psycopg-without-libpq": f"The package of {entry} has psycopg and not libpq, which it needs and Lambda does "
        f"not have: every invocation would fail. Require psycopg[binary]. See "
        f"https://www.psycopg.org/psycopg3/docs/basic/install.html"
    }


def _hint(entry: Path, handler: str, name: str) -> str:
    if handler.startswith("src.") and (entry / "src" / name).exists():
        shorter = handler.removeprefix("src.")
        return f" It is in src: pass handler={shorter!r}, with which the content of src is packaged."
    root = uv_lock.workspace_of(entry.resolve())
    if root is not None:
        members = uv_lock.names_of_members(root / "uv.lock")
        if uv_lock.normalized(name) not in members:
            return ""
        return (
            f" It is a member of the workspace in {root}, and the function does not depend on it: run "
            f"'uv add {uv_lock.normalized(name)}' in {entry}."
        )
    if elsewhere := requirement_files.above(entry):
        return (
            f" {elsewhere} is not read: only a uv.lock or requirements.txt in entry itself is, or the uv.lock of a "
            f"workspace that entry is a member of."
        )
    return ""
