"""A real PostgreSQL behind each DBInstance and DBCluster that has its engine. Other engines stay metadata.

Which PostgreSQL runs does not depend on the engine's version: it is the one that is found on this machine.
"""

import threading
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ministack.services import rds
from ministack.services.cloudformation import provisioners

from ..cloudformation import handlers
from ..cloudformation.handlers import Create, Delete, Properties, Resource, Update
from ..postgres import programs
from ..postgres.server import PostgresServer
from ..process import loopback, outside_folders
from . import managed_password, roles

INSTANCE: Final = "AWS::RDS::DBInstance"
CLUSTER: Final = "AWS::RDS::DBCluster"
_ENGINES: Final = ("postgres", "aurora-postgresql")
_IDENTIFIERS: Final = ("DBInstanceIdentifier", "DBClusterIdentifier")
"""RDS keeps them in lower case."""
_SETTINGS: Final = {"max_connections": "500"}  # nobody pools here: a client is a connection


@dataclass(frozen=True)
class Database:
    """One server and whose it is."""

    identifier: str
    engine: str
    name: str
    server: PostgresServer


_databases: dict[str, Database] = {}
_lock: Final = threading.Lock()


def install() -> None:
    """Let a server come and go with each resource."""
    handlers.run_in_thread(INSTANCE, CLUSTER)
    for type_, name in ((INSTANCE, "_rds_db_instance"), (CLUSTER, "_rds_db_cluster")):
        handlers.wrap(
            type_,
            create=partial(_creating, type_),
            update=partial(_updating, type_),
            delete=partial(_deleting, type_),
        )
        # An update that replaces the resource calls the other two by their names.
        for verb in ("create", "update", "delete"):
            setattr(provisioners, f"{name}_{verb}", provisioners._RESOURCE_HANDLERS[type_][verb])


def find(arn: str) -> Database | None:
    """Look a database up.

    Args:
        arn: Of a DBInstance or a DBCluster.

    Returns:
        The database; None if nothing real is behind that resource.
    """
    with _lock:
        return _databases.get(arn)


def describe() -> list[dict[str, Any]]:
    """All that run, for the page of the same name."""
    with _lock:
        return [
            {
                "identifier": database.identifier,
                "engine": database.engine,
                "name": database.name,
                "address": database.server.address,
                "port": database.server.port,
                "socket_folder": str(database.server.socket_folder),
                "superuser": roles.SUPERUSER,
            }
            for database in _databases.values()
        ]


def record_of(type_: str, identifier: str) -> Any:
    """What the emulator keeps of a resource.

    Args:
        type_: `INSTANCE` or `CLUSTER`.
        identifier: Its physical id.
    """
    return (rds._instances if type_ == INSTANCE else rds._clusters)[identifier]


def arn_of(record: dict[str, Any]) -> str:
    """The ARN of a record; a member of a cluster has the cluster's, whose server it shares.

    Args:
        record: Of an instance or a cluster.
    """
    cluster = rds._clusters.get(record.get("DBClusterIdentifier") or "")
    return str((cluster or record).get("DBClusterArn") or record["DBInstanceArn"])


def _creating(type_: str, create: Create) -> Create:
    def create_and_start(logical_id: str, props: Properties, stack: str) -> Resource:
        managed = {"MasterUserPassword": managed_password.new()} if managed_password.is_managed(props) else {}
        kept = {key: props[key].lower() for key in _IDENTIFIERS if key in props}
        identifier, attributes = create(logical_id, props | kept | managed, stack)
        record = record_of(type_, identifier)
        if managed:
            managed_password.store(record, props, identifier, stack)
        if record["Engine"] in _ENGINES:
            try:
                _start(type_, record, identifier, props)
            except BaseException:
                provisioners._RESOURCE_HANDLERS[type_]["delete"](identifier, props)
                raise
        return identifier, attributes | _attributes(type_, record)

    return create_and_start


def _updating(type_: str, update: Update) -> Update:
    def update_with_password(
        identifier: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Resource:
        before = record_of(type_, identifier)
        database = find(arn_of(before))
        stays = not provisioners._requires_replacement(type_, old, new)
        if database is not None and stays and old.get("Port") != new.get("Port"):
            raise ValueError("a running database cannot move to another port here: delete its stack first")
        password = before.get("_MasterUserPassword")
        updated, attributes = update(identifier, old, new, stack, logical_id)
        if updated != identifier:
            return updated, attributes
        record = record_of(type_, identifier)
        if managed_password.is_managed(new) and not managed_password.is_managed(old):
            record["_MasterUserPassword"] = managed_password.new()
            managed_password.store(record, new, identifier, stack)
        elif managed_password.is_managed(old) and not managed_password.is_managed(new):
            managed_password.delete(record)
        if database is not None and record.get("_MasterUserPassword") != password:
            roles.set_password(database.server, record["MasterUsername"], record["_MasterUserPassword"])
        return identifier, attributes | _attributes(type_, record)

    return update_with_password


def _deleting(type_: str, delete: Delete) -> Delete:
    def close_and_delete(identifier: str, props: Properties) -> None:
        store = rds._instances if type_ == INSTANCE else rds._clusters
        record = store.get(identifier)
        if record is not None:
            managed_password.delete(record)
            if _is_master(type_, record):
                with _lock:
                    database = _databases.pop(arn_of(record), None)
                if database is not None:
                    database.server.close()
        delete(identifier, props)

    return close_and_delete


def _is_master(type_: str, record: dict[str, Any]) -> bool:
    """A member of a cluster has nothing of its own."""
    return type_ == CLUSTER or not record.get("DBClusterIdentifier")


# --- the server --------------------------------------------------------------------------------------------


def _start(type_: str, record: dict[str, Any], identifier: str, props: Properties) -> None:
    if not _is_master(type_, record):
        cluster = rds._clusters[record["DBClusterIdentifier"]]
        record["Endpoint"].update(Address=cluster["Endpoint"], Port=cluster["Port"])
        writers = [each for each in cluster["DBClusterMembers"] if each["IsClusterWriter"]]
        for later in writers[1:]:
            later["IsClusterWriter"] = False
        return
    wanted = record["Port"] if type_ == CLUSTER else record["Endpoint"]["Port"]
    address, port = loopback.place_database(int(wanted))
    name = str(props.get("DatabaseName" if type_ == CLUSTER else "DBName") or "")
    server = PostgresServer(
        outside_folders.new_folder(),
        binaries=programs.find(),
        address=address,
        port=port,
        settings=_SETTINGS,
    )
    try:
        server.start()
        roles.hand_over(
            server,
            master=record["MasterUsername"],
            password=record["_MasterUserPassword"],
            database=name,
        )
    except BaseException:
        server.close()
        raise
    if type_ == CLUSTER:
        record.update(Endpoint=address, ReaderEndpoint=address, Port=port)
    else:
        record["Endpoint"].update(Address=address, Port=port)
    with _lock:
        _databases[arn_of(record)] = Database(identifier, record["Engine"], name or "postgres", server)


def _attributes(type_: str, record: dict[str, Any]) -> dict[str, Any]:
    managed = record.get("MasterUserSecret")
    more = {"MasterUserSecret.SecretArn": managed["SecretArn"]} if managed else {}
    if type_ == CLUSTER:
        return more | dict(provisioners._rds_db_cluster_attrs(record))
    return more | dict(provisioners._rds_db_instance_attrs(record))
