"""A real PostgreSQL behind each resource that declares one, and what RDS does around it.

Holds `rds/databases.py`, `rds/roles.py`, `rds/managed_password.py`, `postgres/programs.py`,
`process/outside_folders.py`.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from constructs_lib.local import LocalCloud
from tests.local import stacks

pytestmark = pytest.mark.cloud

PORT = 5441
ATTRIBUTES = ("Endpoint.Address", "Endpoint.Port", "MasterUserSecret.SecretArn")


def instance(**properties: object) -> dict[str, Any]:
    """An instance as ProxiedDatabase declares it."""
    return {
        "Type": "AWS::RDS::DBInstance",
        "DeletionPolicy": "Delete",
        "Properties": {
            "DBInstanceClass": "db.t4g.micro",
            "Engine": "postgres",
            "EngineVersion": "16",
            "AllocatedStorage": "20",
            "Port": str(PORT),
            "DBName": "trips",
            "MasterUsername": "postgres",  # CDK's own default, and the name of a plain server's superuser
            "ManageMasterUserPassword": True,
            **properties,
        },
    }


def connect(cloud: LocalCloud, read: dict[str, str], logical_id: str, name: str = "trips") -> Any:
    """Log in at a database's own endpoint, with the password that RDS manages."""
    arn = read[f"{logical_id}.MasterUserSecret.SecretArn"]
    secret = json.loads(cloud.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    assert sorted(secret) == ["password", "username"]
    return psycopg.connect(
        host=read[f"{logical_id}.Endpoint.Address"],
        port=int(read[f"{logical_id}.Endpoint.Port"]),
        dbname=name,
        user=secret["username"],
        password=secret["password"],
    )


def running(cloud: LocalCloud, identifier: str) -> dict[str, Any] | None:
    """What `databases()` says of one."""
    return next((each for each in cloud.databases() if each["identifier"] == identifier), None)


@pytest.fixture(scope="module")
def single(cloud: LocalCloud) -> Iterator[dict[str, str]]:
    yield stacks.attributes(
        cloud, "single", {"Db": instance()}, "Db", "Db.DbiResourceId", *(f"Db.{name}" for name in ATTRIBUTES)
    )
    stacks.remove(cloud, "single")


def test_an_instance_is_a_server_where_its_attributes_say(cloud: LocalCloud, single: dict[str, str]) -> None:
    assert single["Db.Endpoint.Port"] == str(PORT)
    assert single["Db.Endpoint.Address"].startswith("127.")
    assert single["Db.Endpoint.Address"] != "127.0.0.1"
    assert single["Db.DbiResourceId"].startswith("db-")
    with connect(cloud, single, "Db") as connection:
        [row] = connection.execute("SELECT current_user::text, current_database()::text").fetchall()
    assert row == ("postgres", "trips")
    described = cloud.client("rds").describe_db_instances(DBInstanceIdentifier=single["Db"])
    endpoint = described["DBInstances"][0]["Endpoint"]
    assert (endpoint["Address"], endpoint["Port"]) == (single["Db.Endpoint.Address"], PORT)


def test_tests_look_in_as_the_superuser(cloud: LocalCloud, single: dict[str, str]) -> None:
    found = running(cloud, single["Db"])
    assert found is not None
    assert (found["engine"], found["name"], found["port"]) == ("postgres", "trips", PORT)
    assert found["address"] == single["Db.Endpoint.Address"]
    with psycopg.connect(
        host=found["socket_folder"], port=found["port"], user=found["superuser"], dbname=found["name"]
    ) as connection:
        assert connection.execute("SELECT usesuper FROM pg_user WHERE usename = current_user").fetchone() == (
            True,
        )


def test_the_master_user_can_what_it_can_on_rds_and_no_more(
    cloud: LocalCloud, single: dict[str, str]
) -> None:
    with connect(cloud, single, "Db") as connection:
        assert connection.execute("SELECT usesuper FROM pg_user WHERE usename = current_user").fetchone() == (
            False,
        )
        connection.execute("CREATE TABLE trip (id text)")
        connection.execute("CREATE USER by_token")
        connection.execute("GRANT rds_iam TO by_token")
        connection.execute("GRANT SELECT ON trip TO by_token")
        assert connection.execute(
            "SELECT pg_has_role('rds_superuser', 'member'), pg_has_role('pg_monitor', 'member')"
        ).fetchone() == (True, True)
        connection.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY (SELECT 1) TO PROGRAM 'true'")


def test_who_logs_in_by_iam_has_no_password(cloud: LocalCloud, single: dict[str, str]) -> None:
    with connect(cloud, single, "Db") as connection:
        connection.execute("CREATE USER tokens_only PASSWORD 'known'")
        connection.commit()
        address: dict[str, Any] = {"host": single["Db.Endpoint.Address"], "port": PORT, "dbname": "trips"}
        psycopg.connect(**address, user="tokens_only", password="known").close()
        connection.execute("GRANT rds_iam TO tokens_only")
        connection.commit()
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
            psycopg.connect(**address, user="tokens_only", password="known")


def test_an_instance_without_a_database_and_with_a_password_of_its_own(cloud: LocalCloud) -> None:
    def declared(password: str) -> dict[str, Any]:
        made = instance(MasterUsername="o'brien", MasterUserPassword=password)
        del made["Properties"]["ManageMasterUserPassword"], made["Properties"]["DBName"]
        return made

    for password in ("it's-a-secret", "an'other"):
        read = stacks.attributes(
            cloud, "own-password", {"Db": declared(password)}, "Db", "Db.Endpoint.Address", "Db.Endpoint.Port"
        )
        with psycopg.connect(
            host=read["Db.Endpoint.Address"],
            port=int(read["Db.Endpoint.Port"]),
            dbname="postgres",
            user="o'brien",
            password=password,
        ) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    found = running(cloud, read["Db"])
    assert found is not None
    stacks.remove(cloud, "own-password")
    assert running(cloud, read["Db"]) is None
    assert not Path(found["socket_folder"]).parent.exists()


def test_a_cluster_is_one_server_that_its_members_share(cloud: LocalCloud) -> None:
    member = {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {
            "DBClusterIdentifier": {"Ref": "Cluster"},
            "DBInstanceClass": "db.serverless",
            "Engine": "aurora-postgresql",
        },
    }
    resources = {
        "Cluster": {
            "Type": "AWS::RDS::DBCluster",
            "DeletionPolicy": "Delete",
            "Properties": {
                "Engine": "aurora-postgresql",
                "EngineVersion": "16.4",
                "Port": PORT,
                "DatabaseName": "trips",
                "MasterUsername": "clusteradmin",
                "ManageMasterUserPassword": True,
                "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 2},
            },
        },
        "Writer": member,
        "Reader": {**member, "DependsOn": "Writer"},
    }
    read = stacks.attributes(
        cloud, "cluster", resources, "Cluster", "Cluster.DBClusterResourceId", "Cluster.ReadEndpoint.Address",
        "Writer.Endpoint.Address", "Reader.Endpoint.Port", *(f"Cluster.{name}" for name in ATTRIBUTES),
    )  # fmt: skip
    with connect(cloud, read, "Cluster") as connection:
        assert connection.execute("SELECT current_user::text").fetchone() == ("clusteradmin",)
    assert read["Writer.Endpoint.Address"] == read["Cluster.Endpoint.Address"]
    assert read["Cluster.ReadEndpoint.Address"] == read["Cluster.Endpoint.Address"]
    assert read["Reader.Endpoint.Port"] == str(PORT)
    assert read["Cluster.DBClusterResourceId"].startswith("cluster-")
    found = running(cloud, read["Cluster"])
    assert found is not None
    assert found["engine"] == "aurora-postgresql"
    [cluster] = cloud.client("rds").describe_db_clusters()["DBClusters"]
    assert [each["IsClusterWriter"] for each in cluster["DBClusterMembers"]] == [True, False]
    stacks.remove(cloud, "cluster")
    assert running(cloud, read["Cluster"]) is None


def test_other_engines_stay_what_the_emulator_makes_of_them(cloud: LocalCloud) -> None:
    mysql = instance(Engine="mysql", EngineVersion="8.4", Port="3306", MasterUsername="admin")
    read = stacks.attributes(cloud, "mysql", {"Db": mysql}, "Db", *(f"Db.{name}" for name in ATTRIBUTES))
    assert running(cloud, read["Db"]) is None
    assert not read["Db.Endpoint.Address"].startswith("127.")
    assert read["Db.MasterUserSecret.SecretArn"].startswith("arn:aws:secretsmanager:")
    # A change of the engine alone replaces it.
    other = instance(MasterUsername="admin", Port="3306")
    postgres = stacks.attributes(cloud, "mysql", {"Db": other}, "Db", *(f"Db.{name}" for name in ATTRIBUTES))
    with connect(cloud, postgres, "Db") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    stacks.put(cloud, "mysql", {"Db": mysql})
    assert running(cloud, postgres["Db"]) is None
    stacks.remove(cloud, "mysql")


def test_a_running_database_does_not_move_to_another_port(cloud: LocalCloud, single: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="cannot move to another port"):
        stacks.put(cloud, "single", {"Db": instance(Port="5999")})
    with connect(cloud, single, "Db") as connection:
        assert connection.execute("SELECT inet_server_port()").fetchone() == (PORT,)


def test_the_emulator_answers_while_a_database_is_made(cloud: LocalCloud) -> None:
    cloudformation = cloud.client("cloudformation")
    template = {"Resources": {"Db": instance()}}
    cloudformation.create_stack(StackName="busy", TemplateBody=json.dumps(template))
    answers = 0
    while True:
        status = cloudformation.describe_stacks(StackName="busy")["Stacks"][0]["StackStatus"]
        if status != "CREATE_IN_PROGRESS":
            break
        answers += 1
        time.sleep(0.02)
    assert status == "CREATE_COMPLETE"
    assert answers > 4  # it takes a second
    stacks.remove(cloud, "busy")


def test_a_replaced_instance_is_another_server_with_another_secret(
    cloud: LocalCloud, single: dict[str, str]
) -> None:
    read = []
    for name in ("trips", "journeys"):
        wanted = ("Db", *(f"Db.{each}" for each in ATTRIBUTES))
        read.append(stacks.attributes(cloud, "replaced", {"Db": instance(DBName=name)}, *wanted))
        with connect(cloud, read[-1], "Db", name) as connection:
            assert connection.execute("SELECT current_database()::text").fetchone() == (name,)
    assert running(cloud, read[0]["Db"]) is None
    assert running(cloud, single["Db"]) is not None

    def left() -> list[bool]:
        known = [each["ARN"] for each in cloud.client("secretsmanager").list_secrets()["SecretList"]]
        return [each["Db.MasterUserSecret.SecretArn"] in known for each in read]

    assert left() == [False, True]
    stacks.remove(cloud, "replaced")
    assert left() == [False, False]
