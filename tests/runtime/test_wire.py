"""What a driver sends, read from the wire: nothing that pins a session of RDS Proxy.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from constructs_lib.runtime import once as once_module
from constructs_lib.runtime.once import Once
from tests.runtime.server import Server, add
from tests.runtime.test_once import make_old


def use(server: Server, monkeypatch: Any) -> bytes:
    """Open, work often enough for a driver to prepare statements, fail, check, purge; return what was sent."""
    monkeypatch.setattr(once_module, "_PURGE_ONE_IN", 1)
    make_old(server, 40)
    with server.relay() as relay:
        database = server.database(relay=relay, idle_check_seconds=60)
        once = Once(database, "trips")
        for number in range(12):
            once(f"m{number}", lambda connection: add(connection, "one"))
        once("m1", lambda connection: None)
        with contextlib.suppress(ZeroDivisionError):
            database.run(lambda connection: 1 / 0)
        database._idle_check_seconds = -1
        database.run(lambda connection: add(connection, "one"))
        database.close()
        assert len(relay.sent) == 1
        return relay.sent[0]


def messages(sent: bytes) -> Iterator[tuple[str, bytes]]:
    """Return the messages of PostgreSQL, after the startup message."""
    position = int.from_bytes(sent[:4], "big")
    while position < len(sent):
        length = int.from_bytes(sent[position + 1 : position + 5], "big")
        yield chr(sent[position]), sent[position + 5 : position + 1 + length]
        position += 1 + length


def test_postgresql(postgresql: Server, monkeypatch: Any) -> None:
    sent = use(postgresql, monkeypatch)

    startup = sent[8 : int.from_bytes(sent[:4], "big")].split(b"\0")
    assert {key.decode() for key in startup[0::2] if key} == {"user", "database"}

    kinds, texts = set(), []
    for kind, body in messages(sent):
        kinds.add(kind)
        if kind == "P":  # Parse: name, text
            name, text, _ = body.split(b"\0", 2)
            assert name == b""
            texts.append(text.decode())
        elif kind == "Q":
            texts.append(body.rstrip(b"\0").decode())
        elif kind in "BDC":  # Bind: portal, statement; Describe and Close: what, name
            assert body.split(b"\0")[:2] == [b"", b""] if kind == "B" else body[1:2] == b"\0"
    assert kinds <= set("pPBDECSQXH")
    words = {text.split()[0].upper() for text in texts}
    assert words == {"BEGIN", "SELECT", "INSERT", "DELETE", "COMMIT", "ROLLBACK"}
    assert not any(re.search(r"advisory|set_config|\bSET\b|\bTEMP", text, re.IGNORECASE) for text in texts)
    assert max(map(len, texts)) < 16 * 1024


def test_mysql(mysql_server: Server, monkeypatch: Any) -> None:
    sent = use(mysql_server, monkeypatch)
    commands, position = [], 0
    while position < len(sent):
        length = int.from_bytes(sent[position : position + 3], "little")
        if sent[position + 3] == 0:  # the first of a sequence: a command
            commands.append((sent[position + 4], sent[position + 5 : position + 4 + length].decode()))
        position += 4 + length
    assert {kind for kind, _ in commands} <= {1, 3}  # quit, query: no prepared statement
    texts = [text for kind, text in commands if kind == 3]
    # Tracked by the proxy: they pin nothing.
    assert [text for text in texts if text.startswith("SET")] == ["SET NAMES utf8mb4", "SET AUTOCOMMIT = 0"]
    assert {text.split()[0] for text in texts} == {"SET", "SELECT", "INSERT", "DELETE", "COMMIT", "ROLLBACK"}
    assert not any(re.search(r"GET_LOCK|@|LOCK TABLES|TEMPORARY|FOUND_ROWS", text) for text in texts)
    assert max(map(len, texts)) < 16 * 1024
