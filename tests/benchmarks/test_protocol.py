"""What the tap makes of a client's bytes, and what it takes for pinning."""

import struct

import pytest

from benchmarks.database.protocol import ClientStream, Message, what_pins


def typed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


STARTUP_BODY = struct.pack("!i", 196608) + b"user\0app\0database\0trips\0\0"
STARTUP = struct.pack("!i", len(STARTUP_BODY) + 4) + STARTUP_BODY
SSL = struct.pack("!ii", 8, 80877103)


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_messages_are_read_however_they_are_cut(step: int) -> None:
    said = (
        SSL
        + STARTUP
        + typed(b"p", b"secret\0")
        + typed(b"Q", b"BEGIN\0")
        + typed(b"P", b"_pg3_0\0SELECT $1\0\0\0")
        + typed(b"P", b"\0SELECT 2\0\0\0")
        + typed(b"X", b"")
    )
    stream = ClientStream()
    read = [message for at in range(0, len(said), step) for message in stream.feed(said[at : at + step])]
    assert read == [
        Message("SSLRequest"),
        Message("StartupMessage", parameters=(("user", "app"), ("database", "trips"))),
        Message("Password"),
        Message("Query", sql="BEGIN"),
        Message("Parse", name="_pg3_0", sql="SELECT $1"),
        Message("Parse", sql="SELECT 2"),
        Message("Terminate"),
    ]


@pytest.mark.parametrize(
    "message",
    [
        Message("Parse", name="_pg3_0", sql="SELECT 1"),
        Message("StartupMessage", parameters=(("user", "app"), ("options", "-c statement_timeout=5"))),
        Message("Query", sql="SET statement_timeout = 5"),
        Message("Query", sql="BEGIN; set search_path to x"),
        Message("Query", sql="SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"),
        Message("Parse", sql="SELECT set_config('a.b', 'c', false)"),
        Message("Query", sql="RESET ALL"),
        Message("Query", sql="DISCARD ALL"),
        Message("Query", sql="/* x */ PREPARE a AS SELECT 1"),
        Message("Query", sql="DEALLOCATE ALL"),
        Message("Query", sql="LISTEN trips"),
        Message("Parse", sql="SELECT pg_try_advisory_xact_lock(1)"),
        Message("Query", sql="SELECT pg_advisory_lock(1)"),
        Message("Query", sql="CREATE TEMPORARY TABLE a (b int)"),
        Message("Query", sql="SELECT 1 AS a INTO TEMP b"),
        Message("Query", sql="DECLARE a CURSOR WITH HOLD FOR SELECT 1"),
        Message("Parse", sql="SELECT currval('a')"),
    ],
    ids=lambda message: message.sql or message.kind,
)
def test_what_pins_is_found(message: Message) -> None:
    assert what_pins(message)


@pytest.mark.parametrize(
    "message",
    [
        Message("StartupMessage", parameters=(("user", "app"), ("application_name", "a"))),
        Message("Query", sql="BEGIN"),
        Message("Query", sql="SET LOCAL statement_timeout = 5"),
        Message("Query", sql="SET TRANSACTION READ ONLY"),
        Message("Parse", sql="UPDATE a SET b = 1"),
        Message("Parse", sql="INSERT INTO a VALUES ('x; SET y = 1; LISTEN z')"),
        Message("Query", sql="PREPARE TRANSACTION 'a'"),
        Message("Query", sql="DECLARE a CURSOR FOR SELECT 1"),
        Message("Execute"),
    ],
    ids=lambda message: message.sql or message.kind,
)
def test_what_does_not_pin_is_let_go(message: Message) -> None:
    assert what_pins(message) is None
