"""The application's database user, made by a migration: it is not the master user, and may log in and nothing else."""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from constructs_lib.runtime import drivers

_SCRAM_ITERATIONS = 4096
"""PostgreSQL's own default."""


def ensure_application_user(
    connection: Any, *, prefix: str = "DATABASE", fetch: Callable[[str, str], str | None] | None = None
) -> bool:
    """Create the user as whom functions connect, or give it the password that its secret has.

    The second is for a database that was restored from a snapshot, with the password of then, and for a secret that
    was made anew. It is left alone while a rotation is halfway: the database may know the coming password then,
    and the present one would lock everybody out. On PostgreSQL the user also leaves `rds_iam`, which a database that
    used end-to-end IAM has put it into: a member of that role cannot log in with a password.

    PostgreSQL is sent what it would store of the password and not the password itself, which would be in its log
    with `log_statement = ddl`, and whenever the statement is refused.

    Under end-to-end IAM authentication there is no password: the user may log in with a token. What it may do with
    tables is for the migrations to say, with GRANT.

    Args:
        connection: Of the administrator, as `ProxiedDatabase.connect_administrator` lets a function have it; of
            any of the three drivers. It is not committed.
        prefix: The `environment_prefix` given to `connect_administrator`.
        fetch: Reads the value of a secret, given its ARN and a stage; None if it has no version in that stage.
            Left out: Secrets Manager through boto3.

    Returns:
        True if it was created now.

    Raises:
        ValueError: A variable is missing, or the secret is not the user's.
        RuntimeError: A rotation has ended in the middle of it.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
    """
    user = os.environ.get(f"{prefix}_APPLICATION_USER")
    if not user:
        raise ValueError(
            f"{prefix}_APPLICATION_USER is not set: ProxiedDatabase.connect_administrator(function) sets it."
        )
    driver = drivers.of(connection)
    mysql = driver.__name__ in drivers.MYSQL
    cursor = drivers.own_cursor(driver, connection)
    try:
        if secret := os.environ.get(f"{prefix}_APPLICATION_SECRET_ARN"):
            return _with_password(cursor, user, secret, fetch or _read, mysql=mysql)
        return _with_token(cursor, user, mysql=mysql)
    finally:
        cursor.close()


def _with_password(
    cursor: Any, user: str, secret: str, fetch: Callable[[str, str], str | None], *, mysql: bool
) -> bool:
    import json

    current = json.loads(fetch(secret, "AWSCURRENT") or "{}")
    # Where two users take turns, it is the other one's every second time.
    if current.get("username") not in (user, f"{user}_clone"):
        raise ValueError(f"{secret} is the secret of another user than {user}.")
    pending = json.loads(fetch(secret, "AWSPENDING") or "null")
    there = _is_there(cursor, current["username"], mysql=mysql)
    if not mysql:
        _leave_rds_iam(cursor, user, current["username"])
    if there and pending is not None and _is_coming(pending, current):
        return False
    verb = "ALTER" if there else "CREATE"
    if mysql:
        # PyMySQL writes the values in, quoted as the server's SQL mode has it.
        cursor.execute(f"{verb} USER %s IDENTIFIED BY %s", (current["username"], current["password"]))
    else:
        cursor.execute("SELECT current_setting('password_encryption')")
        (method,) = cursor.fetchone()
        _write_and_run(
            cursor,
            f"SELECT '{verb} ROLE ' || quote_ident(%s) || ' LOGIN PASSWORD ' || quote_literal(%s)",
            (current["username"], _verifier(current["password"], current["username"], method)),
        )
    if json.loads(fetch(secret, "AWSCURRENT") or "{}") != current:
        raise RuntimeError(f"{secret} was rotated in the meantime: nothing was changed, run it again.")
    return not there


def _is_coming(pending: dict[str, Any], current: dict[str, Any]) -> bool:
    """Whether a rotation is halfway: it copies the current secret, and changes the password and maybe the user.

    CloudFormation writes a new current version when the template of the secret changes, and the version of the last
    rotation keeps its stage: that one differs in more.
    """
    changes = {"password", "username"}
    same = {key: value for key, value in pending.items() if key not in changes} == {
        key: value for key, value in current.items() if key not in changes
    }
    return same and pending.get("password") != current["password"]


def _leave_rds_iam(cursor: Any, *users: str) -> None:
    """Undo what `_with_token` has granted."""
    for user in dict.fromkeys(users):
        cursor.execute(
            "SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles u ON u.oid = m.member "
            "WHERE r.rolname = 'rds_iam' AND u.rolname = %s",
            (user,),
        )
        if cursor.fetchall():
            _write_and_run(cursor, "SELECT 'REVOKE rds_iam FROM ' || quote_ident(%s)", (user,))


def _with_token(cursor: Any, user: str, *, mysql: bool) -> bool:
    there = _is_there(cursor, user, mysql=mysql)
    if mysql:
        verb = "ALTER" if there else "CREATE"
        how = (
            f"SELECT CONCAT('{verb} USER ', QUOTE(%s), ' IDENTIFIED WITH AWSAuthenticationPlugin AS ''RDS''')"
        )
    elif there:
        how = "SELECT 'GRANT rds_iam TO ' || quote_ident(%s)"
    else:
        how = "SELECT 'CREATE ROLE ' || quote_ident(%s) || ' LOGIN IN ROLE rds_iam'"
    _write_and_run(cursor, how, (user,))
    return not there


def _is_there(cursor: Any, user: str, *, mysql: bool) -> bool:
    cursor.execute(
        "SELECT 1 FROM mysql.user WHERE user = %s" if mysql else "SELECT 1 FROM pg_roles WHERE rolname = %s",
        (user,),
    )
    return bool(cursor.fetchall())


def _verifier(password: str, user: str, method: str) -> str:
    """What PostgreSQL would store for a password. It takes that too, and the password itself is in no log of it.

    Source: https://www.postgresql.org/docs/current/catalog-pg-authid.html
    """
    import hashlib
    import hmac
    from base64 import b64encode

    if method != "scram-sha-256":
        return "md5" + hashlib.md5(f"{password}{user}".encode(), usedforsecurity=False).hexdigest()
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password).encode(), salt, _SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"


def _prepared(password: str) -> str:
    """The password as PostgreSQL and its drivers hash it: by SASLprep, or as it is where that has no answer.

    Source: https://www.rfc-editor.org/rfc/rfc4013
    """
    if password.isascii():
        return password
    import stringprep as rfc3454
    from unicodedata import normalize

    spaced = (" " if rfc3454.in_table_c12(one) else one for one in password)
    kept = (one for one in spaced if not rfc3454.in_table_b1(one))
    text = normalize("NFKC", "".join(kept))
    tables = ["c12", "c21_c22", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "a1"]
    prohibited = any(getattr(rfc3454, f"in_table_{table}")(one) for table in tables for one in text)
    leftward = [rfc3454.in_table_d1(one) for one in text]
    mixed = any(leftward) and not (leftward[0] and leftward[-1] and not any(map(rfc3454.in_table_d2, text)))
    return password if prohibited or mixed or not text else text


def _write_and_run(cursor: Any, how: str, values: tuple[str, ...]) -> None:
    """Run a statement that takes no parameters: the server itself writes it, with its own quoting."""
    cursor.execute(how, values)
    (statement,) = cursor.fetchone()
    cursor.execute(statement)


def _read(secret: str, stage: str) -> str | None:
    client = import_module("boto3").client("secretsmanager")
    try:
        return str(client.get_secret_value(SecretId=secret, VersionStage=stage)["SecretString"])
    except client.exceptions.ResourceNotFoundException:
        if stage == "AWSPENDING":
            return None
        raise
