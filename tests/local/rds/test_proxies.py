"""The endpoint of a proxy: whom it lets in, whom it does not and with which words, and what goes through.

Holds `rds/proxies.py`, `rds/proxy_endpoint.py`, `rds/proxy_login.py`, `rds/certificate_authority.py`,
`postgres/wire.py`, `lambda_/credentials.py`.
"""

import asyncio
import json
import os
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
import psycopg
import pytest

from constructs_lib.local import LocalCloud
from constructs_lib.local.extension.postgres import wire
from tests.local import stacks
from tests.local.cloudwatch.test_alarm_states import states

from .test_databases import PORT as DATABASE_PORT
from .test_databases import instance, running

PORT = 5432  # whatever the database's is

pytestmark = pytest.mark.cloud

NETWORK = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.8.0.0/16"}},
    **{
        f"Subnet{zone}": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": f"10.8.{number}.0/24",
                "AvailabilityZone": f"us-east-1{zone}",
            },
        }
        for number, zone in enumerate("ab")
    },
}
SUBNETS = [{"Ref": "Subneta"}, {"Ref": "Subnetb"}]


def secret(user: str) -> dict[str, Any]:
    return {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {
            "GenerateSecretString": {
                "SecretStringTemplate": json.dumps({"username": user}),
                "GenerateStringKey": "password",
            }
        },
    }


def proxy(name: str, *, iam_auth: str | None = "REQUIRED", **properties: object) -> dict[str, Any]:
    """A proxy of the application's and the master user's secrets; without them, of nothing but IAM."""
    secrets = [{"Ref": "Application"}, {"Fn::GetAtt": ["Db", "MasterUserSecret.SecretArn"]}]
    auth = [{"AuthScheme": "SECRETS", "IAMAuth": iam_auth, "SecretArn": each} for each in secrets]
    return {
        "Type": "AWS::RDS::DBProxy",
        "Properties": {
            "DBProxyName": name,
            "EngineFamily": "POSTGRESQL",
            "RequireTLS": True,
            "RoleArn": stacks.ROLE,
            "VpcSubnetIds": SUBNETS,
            "Auth": auth if iam_auth else [],
            **properties,
        },
    }


def target(proxy_id: str) -> dict[str, Any]:
    return {
        "Type": "AWS::RDS::DBProxyTargetGroup",
        "Properties": {
            "DBProxyName": {"Ref": proxy_id},
            "TargetGroupName": "default",
            "DBInstanceIdentifiers": [{"Ref": "Db"}],
            "ConnectionPoolConfigurationInfo": {"MaxConnectionsPercent": 60, "ConnectionBorrowTimeout": 900},
        },
    }


RESOURCES = {
    **NETWORK,
    "Db": instance(MasterUsername="master", EnableIAMDatabaseAuthentication=True),
    "Application": secret("app"),
    "ByToken": proxy("by-token"),
    "ByTokenTarget": target("ByToken"),
    "BySecret": proxy("by-secret", iam_auth="DISABLED", RequireTLS=False),
    "BySecretTarget": target("BySecret"),
    "EndToEnd": proxy("end-to-end", iam_auth=None, DefaultAuthScheme="IAM_AUTH"),
    "EndToEndTarget": target("EndToEnd"),
    "Reader": {
        "Type": "AWS::RDS::DBProxyEndpoint",
        "Properties": {
            "DBProxyName": {"Ref": "ByToken"},
            "DBProxyEndpointName": "by-token-reader",
            "TargetRole": "READ_ONLY",
            "VpcSubnetIds": SUBNETS,
        },
    },
}
NAMES = ("ByToken", "BySecret", "EndToEnd", "Reader")


@dataclass(frozen=True)
class Deployed:
    """The stack, with a table and the application's users in its database."""

    cloud: LocalCloud
    read: dict[str, str]

    @property
    def authority(self) -> Path:
        return self.cloud.run_folder / "authority.pem"

    def host(self, name: str) -> str:
        return self.read[f"{name}.Endpoint"]

    def password(self) -> str:
        answer = self.cloud.client("secretsmanager").get_secret_value(SecretId=self.read["Application"])
        text = answer["SecretString"]
        return str(json.loads(text)["password"])

    def token(self, name: str = "ByToken", user: str = "app", **changed: object) -> str:
        target = {"DBHostname": self.host(name), "Port": PORT, "DBUsername": user, **changed}
        return str(self.cloud.client("rds").generate_db_auth_token(**target))

    def connect(self, name: str, *, user: str, password: str, **more: Any) -> Any:
        tls: dict[str, Any] = {"sslmode": "verify-full", "sslrootcert": str(self.authority)}
        where: dict[str, Any] = {"host": self.host(name), "port": PORT, "dbname": "trips"}
        return psycopg.connect(**where, user=user, password=password, **(tls | more))

    def as_superuser(self, **more: Any) -> Any:
        found = running(self.cloud, self.read["Db"])
        assert found is not None
        where: dict[str, Any] = {"host": found["socket_folder"], "port": found["port"], "dbname": "trips"}
        return psycopg.connect(**where, user=found["superuser"], autocommit=True, **more)


@pytest.fixture(scope="module")
def deployed(cloud: LocalCloud) -> Iterator[Deployed]:
    wanted = [*(f"{name}.Endpoint" for name in NAMES), "ByToken.DBProxyArn", "Db", "Application", "ByToken"]
    read = stacks.attributes(cloud, "proxies", RESOURCES, *wanted)
    made = Deployed(cloud, read)
    with made.as_superuser() as connection:
        quoted = made.password().replace("'", "''")
        connection.execute(f"CREATE USER app PASSWORD '{quoted}'")
        connection.execute("CREATE USER token_only")
        connection.execute("GRANT rds_iam TO token_only")
        connection.execute("CREATE USER unknown_to_the_proxy PASSWORD 'any'")
        connection.execute("CREATE TABLE trip (id text PRIMARY KEY)")
        connection.execute("GRANT SELECT, INSERT ON trip TO app, token_only")
    yield made
    stacks.remove(cloud, "proxies")


# --- who gets in ---------------------------------------------------------------------------------------------


def test_a_token_gets_the_application_in_over_verified_tls(deployed: Deployed) -> None:
    with deployed.connect("ByToken", user="app", password=deployed.token()) as connection:
        connection.execute("INSERT INTO trip VALUES ('by-token')")
        connection.commit()
        row = connection.execute("SELECT current_user::text, inet_server_port() FROM trip").fetchone()
        assert row == ("app", DATABASE_PORT)
    # Not the database itself: the proxy has an address of its own.
    found = running(deployed.cloud, deployed.read["Db"])
    assert found is not None
    assert deployed.host("ByToken") != found["address"]


@pytest.mark.parametrize(
    ("changed", "session"),
    [
        ({"DBUsername": "master"}, {}),
        ({"Port": DATABASE_PORT}, {}),
        ({"DBHostname": "127.9.9.9"}, {}),
        ({"Region": "eu-central-1"}, {}),
        ({}, {"aws_secret_access_key": "forged"}),
        ({}, {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE"}),
    ],
    ids=["user", "port", "host", "region", "signature", "key"],
)
def test_a_token_for_anything_else_is_refused(
    deployed: Deployed, changed: dict[str, object], session: dict[str, str]
) -> None:
    credentials: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test", **session}
    client: Any = botocore.session.Session().create_client("rds", region_name="us-east-1", **credentials)
    target = {"DBHostname": deployed.host("ByToken"), "Port": PORT, "DBUsername": "app", **changed}
    token = client.generate_db_auth_token(**target)
    with pytest.raises(psycopg.OperationalError, match="The IAM authentication failed for the role app"):
        deployed.connect("ByToken", user="app", password=token)


def test_an_old_token_and_a_password_are_refused_where_iam_is_required(deployed: Deployed) -> None:
    old = deployed.token().replace("X-Amz-Expires=900", "X-Amz-Expires=1")
    for password in (old, deployed.password(), ""):
        with pytest.raises(psycopg.OperationalError, match=r"IAM authentication failed|no password supplied"):
            deployed.connect("ByToken", user="app", password=password)


def test_in_secret_mode_the_secrets_password_counts(deployed: Deployed) -> None:
    with deployed.connect("BySecret", user="app", password=deployed.password()) as connection:
        assert connection.execute("SELECT current_user::text").fetchone() == ("app",)
    for wrong in ("wrong", deployed.token("BySecret")):
        with pytest.raises(
            psycopg.OperationalError, match="The password that was provided for the role app is wrong"
        ):
            deployed.connect("BySecret", user="app", password=wrong)


def test_a_user_without_a_secret_is_refused(deployed: Deployed) -> None:
    with pytest.raises(
        psycopg.OperationalError, match="This RDS proxy has no credentials for the role unknown_to_the_proxy"
    ):
        deployed.connect("BySecret", user="unknown_to_the_proxy", password="any")


def test_end_to_end_iam_needs_no_password_anywhere(deployed: Deployed) -> None:
    token = deployed.token("EndToEnd", "token_only")
    with deployed.connect("EndToEnd", user="token_only", password=token) as connection:
        assert connection.execute("SELECT current_user::text").fetchone() == ("token_only",)
    # A user of the database that was not granted rds_iam has no such login.
    with pytest.raises(psycopg.OperationalError, match="PAM authentication failed"):
        deployed.connect("EndToEnd", user="app", password=deployed.token("EndToEnd"))


def test_the_proxy_logs_in_with_the_current_secret(deployed: Deployed) -> None:
    secrets = deployed.cloud.client("secretsmanager")
    before = secrets.get_secret_value(SecretId=deployed.read["Application"])["SecretString"]
    secrets.put_secret_value(
        SecretId=deployed.read["Application"], SecretString=json.dumps({"username": "app", "password": "new"})
    )
    with pytest.raises(psycopg.OperationalError, match='password authentication failed for user "app"'):
        deployed.connect("ByToken", user="app", password=deployed.token())
    with deployed.as_superuser() as connection:
        connection.execute("ALTER USER app PASSWORD 'new'")
        deployed.connect("ByToken", user="app", password=deployed.token()).close()
        deployed.connect("BySecret", user="app", password="new").close()
        secrets.put_secret_value(SecretId=deployed.read["Application"], SecretString=before)
        connection.execute("ALTER USER app PASSWORD '{}'".format(deployed.password().replace("'", "''")))


# --- TLS and the protocol --------------------------------------------------------------------------------------


def test_plain_text_is_refused_where_tls_is_required(deployed: Deployed) -> None:
    with pytest.raises(psycopg.OperationalError, match="This RDS Proxy requires TLS connections"):
        deployed.connect("ByToken", user="app", password=deployed.token(), sslmode="disable")
    deployed.connect("BySecret", user="app", password=deployed.password(), sslmode="disable").close()


def test_the_authority_is_this_runs_own(deployed: Deployed) -> None:
    where = (deployed.host("ByToken"), PORT)
    request = wire.message(b"", struct.pack("!I", wire.SSL_REQUEST))
    for context in (ssl.create_default_context(), ssl.create_default_context(cafile=deployed.authority)):
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        trusted = bool(context.get_ca_certs()) and len(context.get_ca_certs()) == 1
        with socket.create_connection(where, timeout=stacks.STUCK_SECONDS) as plain:
            plain.sendall(request)
            assert plain.recv(1) == b"S"
            if trusted:
                context.wrap_socket(plain, server_hostname=where[0]).close()
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    context.wrap_socket(plain, server_hostname=where[0])


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"options": "-c statement_timeout=1"}, "doesn’t support command-line options"),  # noqa: RUF001
        ({"replication": "database"}, "doesn’t support streaming replication mode"),  # noqa: RUF001
    ],
    ids=["options", "replication"],
)
def test_what_rds_proxy_does_not_support_is_refused(
    deployed: Deployed, option: dict[str, str], text: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=f"Feature not supported: RDS Proxy currently {text}"):
        deployed.connect("ByToken", user="app", password=deployed.token(), **option)


def test_refusals_have_the_codes_that_drivers_look_at(deployed: Deployed) -> None:
    def code(startup: dict[str, str], password: str | None) -> str:
        with socket.create_connection(
            (deployed.host("BySecret"), PORT), timeout=stacks.STUCK_SECONDS
        ) as plain:
            plain.sendall(wire.startup(startup))
            answers = plain.makefile("rb")
            if password is not None:
                assert answers.read(9) == wire.message(b"R", struct.pack("!I", wire.CLEARTEXT_PASSWORD))
                plain.sendall(wire.password(password))
            kind, length = struct.unpack("!cI", answers.read(5))
            assert kind == b"E"
            fields = answers.read(length - 4).split(b"\0")
            assert answers.read() == b""  # and the connection ends
            return next(field[1:].decode() for field in fields if field[:1] == b"C")

    assert code({"user": "app"}, "wrong") == "28P01"
    assert code({"user": "nobody"}, "any") == "28000"
    assert code({"user": "app", "options": "-c a=b"}, None) == "0A000"


def test_a_client_that_talks_nonsense_does_no_harm(deployed: Deployed) -> None:
    for nonsense in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\4",
        struct.pack("!II", 2**31, wire.VERSION_3),
        b"\0",
    ):
        with socket.create_connection(
            (deployed.host("ByToken"), PORT), timeout=stacks.STUCK_SECONDS
        ) as plain:
            plain.sendall(nonsense)
            plain.shutdown(socket.SHUT_WR)
            assert plain.recv(1000) == b""
    deployed.connect("ByToken", user="app", password=deployed.token()).close()


# --- what goes through -----------------------------------------------------------------------------------------


def test_large_rows_go_through_both_ways(deployed: Deployed) -> None:
    text = "x" * 5_000_000
    with deployed.connect("ByToken", user="app", password=deployed.token()) as connection:
        assert connection.execute("SELECT %s::text", [text]).fetchone() == (text,)


def test_a_query_can_be_cancelled(deployed: Deployed) -> None:
    with deployed.connect("ByToken", user="app", password=deployed.token()) as connection:

        async def cancel() -> None:
            query = asyncio.to_thread(connection.execute, "SELECT pg_sleep(600)")
            task = asyncio.create_task(query)
            with deployed.as_superuser() as superuser:
                count = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                while superuser.execute(count).fetchone() != (1,):
                    await asyncio.sleep(0.02)
            connection.cancel()
            with pytest.raises(psycopg.errors.QueryCanceled):
                await task

        asyncio.run(cancel())
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_when_the_servers_side_dies_the_client_knows(deployed: Deployed) -> None:
    connection = deployed.connect("ByToken", user="app", password=deployed.token())
    with deployed.as_superuser() as superuser:
        superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    assert connection.closed


def test_when_the_client_disconnects_its_session_ends(deployed: Deployed) -> None:
    connection = deployed.connect("ByToken", user="app", password=deployed.token(), application_name="leaves")
    with deployed.as_superuser() as superuser:
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leaves'"
        assert superuser.execute(count).fetchone() == (1,)
        with socket.socket(fileno=os.dup(connection.fileno())) as cut:
            cut.shutdown(socket.SHUT_RDWR)
        give_up = time.monotonic() + stacks.STUCK_SECONDS
        while superuser.execute(count).fetchone() != (0,):
            assert time.monotonic() < give_up
            time.sleep(0.02)
    connection.close()


def test_the_reader_endpoint_only_reads(deployed: Deployed) -> None:
    assert deployed.host("Reader") != deployed.host("ByToken")
    with deployed.connect("Reader", user="app", password=deployed.token("Reader")) as connection:
        connection.execute("SELECT * FROM trip")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("INSERT INTO trip VALUES ('read-only')")


def test_many_clients_at_once_get_in_and_the_emulator_still_answers(deployed: Deployed) -> None:
    count = 200
    token = deployed.token()
    tls: dict[str, Any] = {"sslmode": "verify-full", "sslrootcert": str(deployed.authority)}

    async def work(number: int) -> int:
        connection = await psycopg.AsyncConnection.connect(
            host=deployed.host("ByToken"), port=PORT, dbname="trips", user="app", password=token, **tls
        )
        async with connection:
            inside.append(number)
            await answered.wait()
            row = await (await connection.execute("SELECT %s::int", [number])).fetchone()
            assert row is not None
            return int(row[0])

    async def everybody() -> list[int]:
        tasks = [asyncio.create_task(work(number)) for number in range(count)]
        while len(inside) < count and not any(task.done() for task in tasks):
            await asyncio.sleep(0.02)
        await asyncio.to_thread(deployed.cloud.client("sqs").list_queues)
        answered.set()
        return await asyncio.gather(*tasks)

    inside: list[int] = []
    answered = asyncio.Event()
    assert asyncio.run(everybody()) == list(range(count))


# --- the records -----------------------------------------------------------------------------------------------


def test_a_proxy_is_described_as_declared_and_can_be_changed(deployed: Deployed) -> None:
    rds = deployed.cloud.client("rds")
    [read] = rds.describe_db_proxies(DBProxyName="by-token")["DBProxies"]
    assert read["DBProxyArn"] == deployed.read["ByToken.DBProxyArn"]
    assert read["Endpoint"] == deployed.host("ByToken")
    assert (read["RequireTLS"], [each["IAMAuth"] for each in read["Auth"]]) == (True, ["REQUIRED"] * 2)
    [group] = rds.describe_db_proxy_target_groups(DBProxyName="by-token")["TargetGroups"]
    pool = group["ConnectionPoolConfig"]
    assert (pool["MaxConnectionsPercent"], pool["ConnectionBorrowTimeout"]) == (60, 900)
    [registered] = rds.describe_db_proxy_targets(DBProxyName="by-token")["Targets"]
    assert registered["RdsResourceId"] == deployed.read["Db"]

    open_to_all = RESOURCES | {"ByToken": proxy("by-token", RequireTLS=False, IdleClientTimeout=60)}
    stacks.put(deployed.cloud, "proxies", open_to_all)
    [read] = rds.describe_db_proxies(DBProxyName="by-token")["DBProxies"]
    assert (read["RequireTLS"], read["IdleClientTimeout"]) == (False, 60)
    assert read["Endpoint"] == deployed.host("ByToken")
    # The token still needs TLS: it would be there for all to read.
    with pytest.raises(
        psycopg.OperationalError, match="IAM authentication is allowed only with SSL connections"
    ):
        deployed.connect("ByToken", user="app", password=deployed.token(), sslmode="disable")
    by_iam_alone = proxy("by-token", iam_auth=None, DefaultAuthScheme="IAM_AUTH")
    stacks.put(deployed.cloud, "proxies", RESOURCES | {"ByToken": by_iam_alone})
    [read] = rds.describe_db_proxies(DBProxyName="by-token")["DBProxies"]
    assert (read["DefaultAuthScheme"], read["Auth"]) == ("IAM_AUTH", [])
    stacks.put(deployed.cloud, "proxies", RESOURCES)


def test_names_are_kept_in_lower_case_and_found_in_any(deployed: Deployed) -> None:
    """RDS does this too. A template's reference has the name as the template wrote it, which hides the difference."""
    mixed = {
        "Mixed": proxy("MixedCase"),
        "MixedTarget": target("Mixed"),
        "MixedReader": {
            "Type": "AWS::RDS::DBProxyEndpoint",
            "Properties": {
                "DBProxyName": {"Ref": "Mixed"},
                "DBProxyEndpointName": "MixedCase-Reader",
                "TargetRole": "READ_ONLY",
                "VpcSubnetIds": SUBNETS,
            },
        },
    }
    read = stacks.attributes(deployed.cloud, "proxies", RESOURCES | mixed, "Mixed", "Mixed.Endpoint")
    rds = deployed.cloud.client("rds")
    assert read["Mixed"] == "MixedCase"
    for name in ("mixedcase", "MixedCase"):
        [found] = rds.describe_db_proxies(DBProxyName=name)["DBProxies"]
        assert (found["DBProxyName"], found["Endpoint"]) == ("mixedcase", read["Mixed.Endpoint"])
        endpoints = rds.describe_db_proxy_endpoints(DBProxyName=name)["DBProxyEndpoints"]
        assert {each["DBProxyEndpointName"] for each in endpoints} >= {"mixedcase-reader"}
    # The same name in another case is the same name.
    with pytest.raises(AssertionError, match=r"must be unique for all proxies"):
        stacks.put(deployed.cloud, "proxies", RESOURCES | mixed | {"Again": proxy("MIXEDCASE")})
    stacks.put(deployed.cloud, "proxies", RESOURCES)
    assert "mixedcase" not in {each["DBProxyName"] for each in rds.describe_db_proxies()["DBProxies"]}


def test_an_alarm_on_a_proxy_sees_it_by_its_name_in_lower_case_alone(deployed: Deployed) -> None:
    """CloudWatch tells dimensions apart by case: an alarm that asks for `MixedCase` is OK whatever happens."""

    def alarm(dimension: Any) -> dict[str, Any]:
        return {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "AWS/RDS",
                "MetricName": "ClientConnectionsReceived",
                "Dimensions": [{"Name": "ProxyName", "Value": dimension}],
                "Statistic": "Sum",
                "Period": 3600,
                "EvaluationPeriods": 1,
                "Threshold": 0,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
            },
        }

    watched = {
        "Watched": proxy("Watched-Proxy"),
        "WatchedTarget": target("Watched"),
        "Seeing": alarm("watched-proxy"),
        "Blind": alarm({"Ref": "Watched"}),
    }
    wanted = ("Watched.Endpoint", "Seeing", "Blind")
    read = stacks.attributes(deployed.cloud, "proxies", RESOURCES | watched, *wanted)
    seen = Deployed(deployed.cloud, deployed.read | {"Watched.Endpoint": read["Watched.Endpoint"]})
    seen.connect("Watched", user="app", password=seen.token("Watched")).close()

    cloudwatch = deployed.cloud.client("cloudwatch")

    found = states(deployed.cloud, [read["Seeing"], read["Blind"]])
    assert found == {read["Seeing"]: "ALARM", read["Blind"]: "OK"}
    metrics = cloudwatch.list_metrics(
        Namespace="AWS/RDS", Dimensions=[{"Name": "ProxyName", "Value": "watched-proxy"}]
    )["Metrics"]
    assert {each["MetricName"] for each in metrics} == {
        "ClientConnectionsReceived",
        "DatabaseConnectionsBorrowLatency",
    }
    stacks.put(deployed.cloud, "proxies", RESOURCES)


def test_a_proxy_in_other_subnets_is_a_new_one_and_needs_a_new_name(deployed: Deployed) -> None:
    """The new one is made before the old one is deleted."""
    third = NETWORK["Subneta"] | {
        "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.8.2.0/24", "AvailabilityZone": "us-east-1c"}
    }

    def with_moving(name: str, *more: dict[str, str]) -> dict[str, Any]:
        moving = proxy(name, VpcSubnetIds=[*SUBNETS, *more])
        return RESOURCES | {"Subnetc": third, "Moving": moving, "MovingTarget": target("Moving")}

    before = stacks.attributes(
        deployed.cloud, "proxies", with_moving("moving-1"), "Moving", "Moving.DBProxyArn"
    )
    with pytest.raises(AssertionError, match=r"must be unique for all proxies"):
        stacks.put(deployed.cloud, "proxies", with_moving("moving-1", {"Ref": "Subnetc"}))
    moved = with_moving("moving-2", {"Ref": "Subnetc"})
    after = stacks.attributes(deployed.cloud, "proxies", moved, "Moving", "Moving.DBProxyArn")
    assert (before["Moving"], after["Moving"]) == ("moving-1", "moving-2")
    assert before["Moving.DBProxyArn"] != after["Moving.DBProxyArn"]
    names = {each["DBProxyName"] for each in deployed.cloud.client("rds").describe_db_proxies()["DBProxies"]}
    assert "moving-2" in names
    assert "moving-1" not in names
    stacks.put(deployed.cloud, "proxies", RESOURCES)


def test_a_deleted_proxy_lets_nobody_in(deployed: Deployed) -> None:
    more = RESOURCES | {"Late": proxy("late"), "LateTarget": target("Late")}
    host = stacks.attributes(deployed.cloud, "proxies", more, "Late.Endpoint")["Late.Endpoint"]
    with socket.create_connection((host, PORT), timeout=stacks.STUCK_SECONDS):
        pass
    stacks.put(deployed.cloud, "proxies", RESOURCES)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, PORT), timeout=stacks.STUCK_SECONDS)


def test_a_proxy_of_another_engine_stays_a_record(cloud: LocalCloud) -> None:
    resources = {
        **NETWORK,
        "Db": instance(Engine="mysql", EngineVersion="8.4", Port="3306", MasterUsername="admin"),
        "Application": secret("app"),
        "Proxy": proxy("mysql", EngineFamily="MYSQL"),
        "Target": target("Proxy"),
    }
    read = stacks.attributes(cloud, "mysql-proxy", resources, "Proxy.Endpoint")
    assert read["Proxy.Endpoint"].endswith(".rds.amazonaws.com")
    stacks.remove(cloud, "mysql-proxy")


def test_a_function_has_what_it_needs_to_log_in(deployed: Deployed) -> None:
    code = "import os\n\ndef handler(event, context):\n    return dict(os.environ)\n"
    name = stacks.put(deployed.cloud, "told", {"Function": stacks.function(code)})["Function"]
    environment = json.load(deployed.cloud.client("lambda").invoke(FunctionName=name)["Payload"])
    assert Path(environment["CONSTRUCTS_LIB_CA_FILE"]) == deployed.authority
    assert "BEGIN CERTIFICATE" in deployed.authority.read_text()
    assert "AWS_SESSION_TOKEN" not in environment  # an empty one would be part of what is signed
    own: Any = botocore.session.Session().create_client(
        "rds",
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    token = own.generate_db_auth_token(deployed.host("ByToken"), PORT, "app")
    deployed.connect("ByToken", user="app", password=token).close()
