"""Make a new PostgreSQL look as RDS hands it over: its superuser is not yours, your master user is no superuser.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html
"""

import socket
import struct
from typing import Final

from ..postgres import wire
from ..postgres.server import PostgresServer

SUPERUSER: Final = "rdsadmin"
_OWN_LINE: Final = "local all all trust\n"


def hand_over(server: PostgresServer, *, master: str, password: str, database: str) -> None:
    """Make the master user, and the database that belongs to it.

    Args:
        server: Just made, and started.
        master: The master user's name; `postgres` is one that RDS takes too.
        password: Its password.
        database: The name of the database; empty for none.
    """
    _let_in_by_password(server, master)
    run(server, server.superuser, "CREATE ROLE renaming SUPERUSER LOGIN")
    run(server, "renaming", f"ALTER ROLE {server.superuser} RENAME TO {SUPERUSER}")
    run(
        server,
        SUPERUSER,
        "DROP ROLE renaming",
        "CREATE ROLE rds_superuser",
        "GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION",
        f"CREATE ROLE {_name(master)} LOGIN CREATEDB CREATEROLE PASSWORD {_text(password)}",
        f"GRANT rds_superuser TO {_name(master)}",
        f"GRANT rds_iam TO {_name(master)} WITH ADMIN OPTION",
        "SELECT pg_reload_conf()",
    )
    if database and database != "postgres":
        run(server, SUPERUSER, f"CREATE DATABASE {_name(database)} OWNER {_name(master)}")


def set_password(server: PostgresServer, user: str, password: str) -> None:
    """Give a user another password.

    Args:
        server: It is running.
        user: The user's name.
        password: The new one.
    """
    run(server, SUPERUSER, f"ALTER ROLE {_name(user)} PASSWORD {_text(password)}")


def is_iam_user(server: PostgresServer, user: str) -> bool:
    """Ask whether a user logs in by IAM.

    Args:
        server: It is running.
        user: The user's name.
    """
    members = "pg_auth_members JOIN pg_roles r ON r.oid = roleid JOIN pg_roles m ON m.oid = member"
    condition = f"r.rolname = 'rds_iam' AND m.rolname = {_text(user)}"
    return run(server, SUPERUSER, f"SELECT 1 FROM {members} WHERE {condition}")  # noqa: S608 - quoted


def run(server: PostgresServer, user: str, *statements: str) -> bool:
    """Run statements over the server's socket, where nobody needs a password.

    Args:
        server: It is running.
        user: Whom to be.
        statements: Each a transaction of its own.

    Returns:
        Whether any of them has found a row.

    Raises:
        RuntimeError: The server refused; with its words.
    """
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rb") as answers:
        found = False
        connection.settimeout(30)
        connection.connect(str(server.socket_folder / f".s.PGSQL.{server.port}"))
        connection.sendall(wire.startup({"user": user, "database": "postgres"}))
        for query in (None, *statements):
            if query is not None:
                connection.sendall(wire.message(b"Q", query.encode() + b"\0"))
            refused = ""
            kind = b""
            while kind != b"Z":
                kind, length = struct.unpack("!cI", answers.read(5))
                body = answers.read(length - 4)
                found |= kind == b"D"
                if kind == b"E":
                    refused = wire.text_of(body)
                    break
            if refused:
                raise RuntimeError(f"PostgreSQL refused {query or 'the login'!r}: {refused}")
        connection.sendall(wire.message(b"X", b""))
    return found


def _let_in_by_password(server: PostgresServer, master: str) -> None:
    """The master user may grant `rds_iam`, and for that PostgreSQL 16 counts it as a member, who has no password."""
    path = server.folder / "data" / "pg_hba.conf"
    rules = path.read_text()
    if _OWN_LINE not in rules:
        raise AssertionError("the rules of access are not the ones that this was written for")
    path.write_text(rules.replace(_OWN_LINE, f"{_OWN_LINE}host all {_name(master)} all password\n"))


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
