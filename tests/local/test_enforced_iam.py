"""With IAM enforced the real CDK CLI still deploys, and a function can do what its role may, and nothing else.

Holds `iam/secure_transport.py`, `rds/proxy_login.py`, `lambda_/credentials.py`.
"""

import importlib.metadata
import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from constructs_lib.local import LocalCloud

from . import stacks
from .conftest import PROJECT
from .rds.test_databases import instance
from .rds.test_proxies import NETWORK, Deployed, proxy, secret, target

pytestmark = pytest.mark.cloud

DRIVER = ("pg8000", "scramp", "asn1crypto", "python-dateutil", "six")
HANDLERS = """
import json, os, ssl
import boto3, pg8000.dbapi

def secret():
    text = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["APPLICATION"])["SecretString"]
    return json.loads(text)["password"]

def token(user):
    return boto3.client("rds").generate_db_auth_token(os.environ["HOST"], int(os.environ["PORT"]), user)

def connect(user, password):
    context = ssl.create_default_context(cafile=os.environ["CONSTRUCTS_LIB_CA_FILE"])
    return pg8000.dbapi.connect(
        user=user, password=password, host=os.environ["HOST"], port=int(os.environ["PORT"]), database="trips",
        ssl_context=context,
    )

def migrate(event, context):
    connection = connect("master", token("master"))
    quoted = secret().replace("'", "''")
    connection.cursor().execute(f"CREATE USER app PASSWORD '{quoted}'")
    connection.commit()

def who(password):
    cursor = connect("app", password).cursor()
    cursor.execute("SELECT current_user")
    return cursor.fetchone()[0]

def by_token(event, context):
    return who(token("app"))

def by_secret(event, context):
    return who(secret())
"""


@pytest.fixture(scope="module")
def strict(state: Path) -> Iterator[LocalCloud]:
    with LocalCloud(state=state, enforce_iam=True) as running:
        yield running


def package_of(folder: Path, handlers: str) -> Path:
    """A package of handlers and the driver, as it is installed here."""
    (folder / "index.py").write_text(handlers)
    for name in DRIVER:
        for file in importlib.metadata.files(name) or ():
            if file.suffix != ".pyc" and ".." not in file.parts:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), folder / file)
    return folder


@pytest.fixture(scope="module")
def names(strict: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    package = package_of(tmp_path_factory.mktemp("package"), HANDLERS)
    command = [sys.executable, str(Path(__file__).with_name("app_with_permissions.py")), str(package)]
    outputs = strict.deploy(app=shlex.join(command), cwd=PROJECT)["Permissions"]
    return {key.removeprefix("Name"): value for key, value in outputs.items()}


def call(cloud: LocalCloud, name: str) -> Any:
    return json.load(cloud.client("lambda").invoke(FunctionName=name, Payload=b"{}")["Payload"])


@pytest.mark.parametrize("function", ["TokenGranted", "SecretGranted"])
def test_a_function_with_the_grant_logs_in(strict: LocalCloud, names: dict[str, str], function: str) -> None:
    assert call(strict, names[function]) == "app"


@pytest.mark.parametrize("function", ["TokenForNobody", "TokenForAnother"])
def test_a_function_without_rds_db_connect_is_refused_by_the_proxy(
    strict: LocalCloud, names: dict[str, str], function: str
) -> None:
    said = call(strict, names[function])["errorMessage"]
    assert "The IAM authentication failed for the role app" in said
    assert "28P01" in said


def test_a_function_without_the_grant_is_refused_the_secret(
    strict: LocalCloud, names: dict[str, str]
) -> None:
    said = call(strict, names["SecretForNobody"])["errorMessage"]
    assert "AccessDeniedException" in said
    assert "secretsmanager:GetSecretValue" in said


def test_a_proxys_own_role_needs_what_the_proxy_uses(strict: LocalCloud) -> None:
    def allow(action: str, resource: object) -> dict[str, Any]:
        return {"Effect": "Allow", "Action": action, "Resource": resource}

    on_database = {
        "Fn::Sub": "arn:aws:rds-db:${AWS::Region}:${AWS::AccountId}:dbuser:${Db.DbiResourceId}/token_only"
    }
    roles = {
        "ByToken": allow("secretsmanager:GetSecretValue", {"Ref": "Application"}),
        "Blind": allow("secretsmanager:DescribeSecret", {"Ref": "Application"}),
        "EndToEnd": allow("rds-db:connect", on_database),
        "Powerless": allow(
            "rds-db:connect", "arn:aws:rds-db:us-east-1:000000000000:dbuser:db-ANOTHER/token_only"
        ),
    }
    resources = {
        **NETWORK,
        "Db": instance(MasterUsername="master", EnableIAMDatabaseAuthentication=True),
        "Application": secret("app"),
    }
    for name, statement in roles.items():
        by_iam_alone = {"iam_auth": None, "DefaultAuthScheme": "IAM_AUTH"}
        more: dict[str, Any] = by_iam_alone if name in ("EndToEnd", "Powerless") else {}
        resources[f"{name}Role"] = _role(statement)
        resources[name] = proxy(name, RoleArn={"Fn::GetAtt": [f"{name}Role", "Arn"]}, **more)
        resources[f"{name}Target"] = target(name)
    read = stacks.attributes(
        strict, "roles", resources, "Db", "Application", *(f"{name}.Endpoint" for name in roles)
    )
    made = Deployed(strict, read)
    with made.as_superuser() as connection:
        connection.execute("CREATE USER app PASSWORD '{}'".format(made.password().replace("'", "''")))
        connection.execute("CREATE USER token_only")
        connection.execute("GRANT rds_iam TO token_only")

    def log_in(name: str, user: str) -> None:
        made.connect(name, user=user, password=made.token(name, user)).close()

    log_in("ByToken", "app")
    with pytest.raises(psycopg.OperationalError, match="This RDS proxy has no credentials for the role app"):
        log_in("Blind", "app")
    log_in("EndToEnd", "token_only")
    with pytest.raises(psycopg.OperationalError, match="PAM authentication failed"):
        log_in("Powerless", "token_only")


def _role(statement: dict[str, Any]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "rds.amazonaws.com"}}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "own", "PolicyDocument": policy}],
        },
    }
