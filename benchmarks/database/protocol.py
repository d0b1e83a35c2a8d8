"""What a client says to PostgreSQL, message by message, and which of it pins a session of RDS Proxy.

The message formats are PostgreSQL's (https://www.postgresql.org/docs/current/protocol-message-formats.html), the
list of what pins is AWS's (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html).
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_WITHOUT_TYPE: Final = {80877102: "CancelRequest", 80877103: "SSLRequest", 80877104: "GSSENCRequest"}
_TYPES: Final = {
    b"B": "Bind",
    b"C": "Close",
    b"D": "Describe",
    b"E": "Execute",
    b"F": "FunctionCall",
    b"H": "Flush",
    b"P": "Parse",
    b"Q": "Query",
    b"S": "Sync",
    b"X": "Terminate",
    b"p": "Password",
}
_PLAIN_PARAMETERS: Final = {"user", "database", "application_name", "client_encoding"}
"""Startup parameters that every pooler knows; anything else is a session setting in disguise."""

_PINNING_SQL: Final = {
    "SET of a session": r"^SET\s+(?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b)|^RESET\b|^DISCARD\b|\bset_config\s*\(",
    "PREPARE": r"^(PREPARE(?!\s+TRANSACTION\b)|EXECUTE|DEALLOCATE)\b",
    "LISTEN": r"^(UN)?LISTEN\b",
    "advisory lock": r"\bpg_(try_)?advisory_\w*lock\w*\s*\(",
    "temporary object": (
        r"^CREATE\s+(OR\s+REPLACE\s+)?((LOCAL|GLOBAL)\s+)?TEMP(ORARY)?\b|\bINTO\s+TEMP(ORARY)?\b"
    ),
    "cursor WITH HOLD": r"^DECLARE\b.*\bWITH\s+HOLD\b",
    "state of a sequence": r"\b(currval|lastval)\s*\(",
    "LOAD": r"^LOAD\b",
}
_NOT_CODE: Final = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/", re.DOTALL
)


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes:
        kind: As PostgreSQL's documentation names it.
        name: Of the prepared statement in a Parse; empty for the unnamed one.
        sql: In a Query or a Parse.
        parameters: In a StartupMessage.
    """

    kind: str
    name: str = ""
    sql: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


class ClientStream:
    """What one client sends over one connection, cut into messages."""

    def __init__(self) -> None:
        self._rest = b""
        self._has_started = False

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take the next bytes.

        Args:
            data: As they came, cut anywhere.

        Yields:
            The messages that are complete.
        """
        self._rest += data
        while True:
            # A message has a type of one byte and its length; the first ones of a connection have no type.
            start = 1 if self._has_started else 0
            if len(self._rest) < start + 4:
                return
            (length,) = struct.unpack_from("!i", self._rest, start)
            if len(self._rest) < start + length:
                return
            kind, body = self._rest[:start], self._rest[start + 4 : start + length]
            self._rest = self._rest[start + length :]
            yield self._read(kind, body)

    def _read(self, kind: bytes, body: bytes) -> Message:
        if not self._has_started:
            (code,) = struct.unpack_from("!i", body)
            if code in _WITHOUT_TYPE:
                return Message(_WITHOUT_TYPE[code])
            self._has_started = True
            words = [word.decode() for word in body[4:].rstrip(b"\0").split(b"\0")]
            return Message("StartupMessage", parameters=tuple(zip(words[::2], words[1::2], strict=True)))
        if kind == b"Q":
            return Message("Query", sql=body.rstrip(b"\0").decode())
        if kind == b"P":
            name, sql, _ = body.split(b"\0", 2)
            return Message("Parse", name=name.decode(), sql=sql.decode())
        return Message(_TYPES.get(kind, f"unknown {kind!r}"))


def what_pins(message: Message) -> str | None:
    """Whether a message ties the client to its server connection for the rest of the session.

    Args:
        message: What a client sent.

    Returns:
        What it is that pins; None if nothing does.
    """
    if message.kind == "StartupMessage":
        others = sorted(name for name, _ in message.parameters if name not in _PLAIN_PARAMETERS)
        return f"startup parameter {', '.join(others)}" if others else None
    if message.kind == "Parse" and message.name:
        return "named prepared statement"
    for statement in _NOT_CODE.sub(" ", message.sql).split(";"):
        for what, pattern in _PINNING_SQL.items():
            if re.search(pattern, statement.strip(), re.IGNORECASE | re.DOTALL):
                return what
    return None
