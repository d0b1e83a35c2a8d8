"""Wheels, an index to serve them, and functions that need them: tests of packaging need no network."""

import base64
import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from constructs_lib.foundation.function import uv
from constructs_lib.foundation.function.installation import Target

ARM = Target("3.13", "aarch64-manylinux_2_34")
X86 = Target("3.13", "x86_64-manylinux_2_34")


def wheel(
    index: Path,
    name: str,
    version: str,
    *,
    tag: str = "py3-none-any",
    requires: str = "",
    size: int = 0,
    scripts: dict[str, bytes] | None = None,
    more: dict[str, bytes] | None = None,
) -> str:
    """Make a wheel; return its line for a hashed requirements file."""
    path = index / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n".encode(),
        f"{name}/data.bin": os.urandom(size),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n".encode(),
    } | {f"{name}-{version}.data/scripts/{script}": code for script, code in (scripts or {}).items()}
    files |= more or {}
    record = "".join(f"{file},{_sha256(code)},{len(code)}\n" for file, code in files.items())
    record += f"{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for file, content_of_file in (files | {f"{info}/RECORD": record.encode()}).items():
            member = zipfile.ZipInfo(file)
            member.external_attr = 0o755 << 16 if "/scripts/" in file else 0o644 << 16
            archive.writestr(member, content_of_file)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _sha256(code: bytes) -> str:
    return f"sha256={base64.urlsafe_b64encode(hashlib.sha256(code).digest()).decode().rstrip('=')}"


def handler(folder: Path, index: Path | None = None, *requirements: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text("def handle(event, context):\n    return 1\n")
    if requirements:
        text = [f"--no-index\n--find-links {index}", *requirements]
        (folder / "requirements.txt").write_text("\n".join(text) + "\n")
    return folder


def content(folder: Path) -> dict[str, tuple[int, str]]:
    """Name, mode and hash of every file."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mode & 0o777,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def names(package: Path) -> set[str]:
    """What is in a package, without metadata of distributions."""
    return {name for name in content(package) if ".dist-info/" not in name}


def locked(entry: Path, project: str) -> Path:
    """Write a function's pyproject.toml, and let uv lock it."""
    handler(entry)
    (entry / "pyproject.toml").write_text(project)
    lock(entry)
    return entry


def lock(entry: Path) -> None:
    subprocess.run([uv.binary(), "lock", "--quiet", "--python", sys.executable], cwd=entry, check=True)


@contextmanager
def serving(index: Path, *, credentials: str = "", hashes: bool = True) -> Iterator[str]:
    """Serve a folder of wheels as an index (PEP 503), on loopback.

    Args:
        index: The folder.
        credentials: `user:password` that must be given.
        hashes: Whether the index names the hash of each file.
    """
    expected = f"Basic {base64.b64encode(credentials.encode()).decode()}" if credentials else None

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, code = b"", 200
            kind, _, name = self.path.strip("/").rpartition("/")
            if expected is not None and self.headers.get("Authorization") != expected:
                code = 401
            elif kind == "simple":
                found = sorted(index.glob(f"{name.replace('-', '_')}-*"))
                code = 200 if found else 404
                body = "".join(map(link, found)).encode()
            else:
                body = (index / name).read_bytes()
            self.send_response(code)
            self.send_header("Content-Type", "text/html" if kind == "simple" else "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as http.server calls it
            """Say nothing."""

    def link(path: Path) -> str:
        fragment = f"#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}" if hashes else ""
        return f'<a href="/files/{path.name}{fragment}">{path.name}</a>\n'

    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/simple"
        finally:
            server.shutdown()
            thread.join()
