"""The few messages of PostgreSQL's protocol that a login is made of.

Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import struct
from typing import Final

VERSION_3: Final = 3 << 16
SSL_REQUEST: Final = 80877103
GSSENC_REQUEST: Final = 80877104
CANCEL_REQUEST: Final = 80877102

AUTHENTICATION_OK: Final = 0
CLEARTEXT_PASSWORD: Final = 3


def message(kind: bytes, body: bytes) -> bytes:
    """Put a message together.

    Args:
        kind: Its letter; none for what comes before the login.
        body: Without the length.
    """
    return kind + struct.pack("!I", len(body) + 4) + body


def startup(parameters: dict[str, str]) -> bytes:
    """Put the first message of a session together.

    Args:
        parameters: `user`, `database`, and settings.
    """
    words = [word.encode() for pair in parameters.items() for word in pair]
    return message(b"", struct.pack("!I", VERSION_3) + b"\0".join(words) + b"\0\0")


def parse_startup(body: bytes) -> dict[str, str]:
    """Take the parameters of a startup message apart.

    Args:
        body: What follows the version.
    """
    words = body.decode(errors="replace").split("\0")
    return {name: value for name, value in zip(words[::2], words[1::2], strict=False) if name}


def fatal(code: str, text: str) -> bytes:
    """Put an error together that ends the session.

    Args:
        code: The SQLSTATE.
        text: What the client shows.
    """
    fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": text}
    return message(b"E", b"".join(f"{key}{value}\0".encode() for key, value in fields.items()) + b"\0")


def password(text: str) -> bytes:
    """Put the answer to a request for a password together."""
    return message(b"p", text.encode() + b"\0")


def text_of(error: bytes) -> str:
    """Read the text of an error.

    Args:
        error: The body of the message.
    """
    return next((field[1:].decode() for field in error.split(b"\0") if field[:1] == b"M"), "")
