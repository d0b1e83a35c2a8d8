"""A database gets another zone: the proxy is replaced, and whoever is connected goes on."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud

from .conftest import PROJECT
from .test_enforced_iam import package_of

pytestmark = pytest.mark.cloud

HANDLERS = """
import json, os, ssl
import boto3, pg8000.dbapi

def connect():
    host, port, user = (os.environ[f"DATABASE_{name}"] for name in ("HOST", "PORT", "USER"))
    token = boto3.client("rds").generate_db_auth_token(host, int(port), user)
    context = ssl.create_default_context(cafile=os.environ["CONSTRUCTS_LIB_CA_FILE"])
    return pg8000.dbapi.connect(
        user=user, password=token, host=host, port=int(port), database=os.environ["DATABASE_NAME"], ssl_context=context
    )

def migrate(event, context):
    secret = os.environ["DATABASE_APPLICATION_SECRET_ARN"]
    text = boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    quoted = json.loads(text)["password"].replace("'", "''")
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE IF NOT EXISTS run (at timestamptz DEFAULT now())")
    cursor.execute("INSERT INTO run DEFAULT VALUES")
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'app'")
    verb = "ALTER" if cursor.fetchall() else "CREATE"
    cursor.execute(f"{verb} ROLE app LOGIN PASSWORD '{quoted}'")
    cursor.execute("GRANT SELECT ON run TO app")
    connection.commit()

def who(event, context):
    cursor = connect().cursor()
    cursor.execute("SELECT current_user, (SELECT count(*) FROM run)")
    user, runs = cursor.fetchone()
    return {"host": os.environ["DATABASE_HOST"], "user": user, "runs": runs}
"""


def test_another_zone_replaces_the_proxy_under_its_clients(
    strict: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IAM is enforced: the permission to log in moves along, and the alias has a version with the new address."""
    package = package_of(tmp_path, HANDLERS)
    command = [sys.executable, str(Path(__file__).with_name("app_with_zones.py")), str(package)]
    seen: list[tuple[str, dict[str, Any]]] = []
    for zones in ("us-east-1a,us-east-1b", "us-east-1a,us-east-1b,us-east-1c"):
        monkeypatch.setenv("ZONES", zones)
        outputs = strict.deploy(app=shlex.join(command), cwd=PROJECT)["Zones"]
        called = strict.client("lambda").invoke(FunctionName=outputs["Function"], Payload=b"{}")
        answer = json.load(called["Payload"])
        assert answer.get("user") == "app", answer
        assert answer["host"] == outputs["Proxy"]
        [proxy] = [
            each
            for each in strict.client("rds").describe_db_proxies()["DBProxies"]
            if each["Endpoint"] == outputs["Proxy"]
        ]
        assert len(proxy["VpcSubnetIds"]) == len(zones.split(","))
        seen.append((proxy["DBProxyName"], answer))
    (before, first), (after, second) = seen
    assert before != after
    assert first["host"] != second["host"]
    assert second["runs"] > first["runs"] >= 1, "the data are there, and the migration has run again"
    names = {each["DBProxyName"] for each in strict.client("rds").describe_db_proxies()["DBProxies"]}
    assert before not in names
