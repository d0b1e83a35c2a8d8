"""CloudFormation: RDS Proxy. The emulator keeps the records; an endpoint that serves is put behind each.

An endpoint has an address from the start, since templates hand it on, and serves as soon as its target is known: at
5432, whatever the port of the database is, as RDS Proxy does. A proxy whose target is not a PostgreSQL of ours stays
metadata.

RDS keeps names in lower case and finds them in any case, and its metrics have the lower case; `Ref` in a template gives
the name back as the template has it (https://github.com/aws/aws-cdk/issues/38270).
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbproxy.html
"""

import threading
from collections.abc import Callable
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import rds
from ministack.services.cloudformation import provisioners

from ..cloudformation import handlers
from ..cloudformation.handlers import Properties, Resource
from ..process import loopback
from . import certificate_authority
from .proxy_endpoint import ProxyEndpoint
from .proxy_login import Proxy

PORT: Final = 5432
"""Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.html#rds-proxy.limitations"""

PROXY: Final = "AWS::RDS::DBProxy"
TARGETS: Final = "AWS::RDS::DBProxyTargetGroup"
ENDPOINT: Final = "AWS::RDS::DBProxyEndpoint"
_CREATE_ONLY: Final = {
    PROXY: (
        "DBProxyName",
        "EngineFamily",
        "VpcSubnetIds",
        "EndpointNetworkType",
        "TargetConnectionNetworkType",
    ),
    TARGETS: ("DBProxyName", "TargetGroupName"),
    ENDPOINT: ("DBProxyName", "DBProxyEndpointName", "VpcSubnetIds", "TargetRole"),
}

_NAMES: Final = ("DBProxyName", "NewDBProxyName", "DBProxyEndpointName", "NewDBProxyEndpointName")

_open: dict[tuple[str, int], tuple[str, ProxyEndpoint]] = {}
_lock: Final = threading.Lock()


def install() -> None:
    """Add the types."""
    for action, act in rds._ACTION_MAP.items():
        if "DBProx" in action:
            rds._ACTION_MAP[action] = _with_names_in_lower_case(act)
    for type_, create, update, delete in (
        (PROXY, _create_proxy, _update_proxy, _delete_proxy),
        (TARGETS, _create_targets, _update_targets, _delete_targets),
        (ENDPOINT, _create_endpoint, _update_endpoint, _delete_endpoint),
    ):
        handlers.add(type_, create=create, update=update, delete=delete, replaced_by=_CREATE_ONLY[type_])
    handlers.run_in_thread(PROXY, TARGETS, ENDPOINT)


def _call_rds(act: Callable[[Properties], Any], props: Properties, type_: str, verb: str) -> None:
    query = provisioners._ec_query(props)
    provisioners._rds_call(_with_names_in_lower_case(act), query, type_, verb)


def _with_names_in_lower_case(act: Callable[[Properties], Any]) -> Callable[[Properties], Any]:
    def acting(query: Properties) -> Any:
        return act({key: _lower(value) if key in _NAMES else value for key, value in query.items()})

    return acting


def _lower(value: Any) -> Any:
    """A parameter of a query is a text, or a list with one."""
    return [each.lower() for each in value] if isinstance(value, list) else str(value).lower()


def _pick(props: Properties, *names: str) -> Properties:
    return {name: props[name] for name in names if name in props}


# --- the proxy ---------------------------------------------------------------------------------------------


def _create_proxy(_logical_id: str, props: Properties, _stack: str) -> Resource:
    _call_rds(rds._create_db_proxy, props, PROXY, "create")
    name = props["DBProxyName"]
    record = rds._db_proxies[name.lower()]
    if record["EngineFamily"] == "POSTGRESQL":
        record["Endpoint"] = rds._db_proxy_endpoints[name.lower()]["Endpoint"] = loopback.place_proxy()
    return name, _proxy_attributes(record)


def _update_proxy(name: str, _old: Properties, new: Properties, _stack: str) -> Resource:
    changed = {
        "DebugLogging": False, "IdleClientTimeout": 1800, "RequireTLS": False, "DefaultAuthScheme": "NONE", **new,
    }  # fmt: skip
    record = rds._db_proxies[name.lower()]
    _call_rds(rds._modify_db_proxy, changed, PROXY, "update")
    record["Auth"] = new.get("Auth", [])
    record["VpcSecurityGroupIds"] = new.get("VpcSecurityGroupIds", [])
    return name, _proxy_attributes(record)


def _delete_proxy(name: str, _props: Properties) -> None:
    _close(proxy=name.lower())
    rds._delete_db_proxy({"DBProxyName": name.lower()})


def _proxy_attributes(record: Properties) -> Properties:
    return _pick(record, "DBProxyArn", "Endpoint", "VpcId")


# --- its target --------------------------------------------------------------------------------------------


def _create_targets(_logical_id: str, props: Properties, _stack: str) -> Resource:
    record = rds._db_proxies.get(props["DBProxyName"].lower())
    if record is None:
        raise ValueError(f"DBProxy {props['DBProxyName']} not found.")
    _set_targets(record, props)
    arn = record["TargetGroup"]["TargetGroupArn"]
    return arn, {"TargetGroupArn": arn}


def _update_targets(arn: str, _old: Properties, new: Properties, _stack: str) -> Resource:
    name = new["DBProxyName"].lower()
    _close(proxy=name)
    _set_targets(rds._db_proxies[name], new)
    return arn, {"TargetGroupArn": arn}


def _delete_targets(_arn: str, props: Properties) -> None:
    name = props["DBProxyName"].lower()
    _close(proxy=name)
    record = rds._db_proxies.get(name)
    if record is not None:
        record["Targets"] = []


def _set_targets(record: Properties, props: Properties) -> None:
    record["Targets"] = []
    registered = _pick(props, "DBProxyName", "DBInstanceIdentifiers", "DBClusterIdentifiers")
    _call_rds(rds._register_db_proxy_targets, registered, TARGETS, "create")
    pool = rds._default_connection_pool_config(record["EngineFamily"])
    record["TargetGroup"]["ConnectionPoolConfig"] = pool | dict(
        props.get("ConnectionPoolConfigurationInfo") or {}
    )
    for endpoint in rds._db_proxy_endpoints.values():
        if endpoint["DBProxyName"] == record["DBProxyName"]:
            _serve_endpoint(endpoint)


# --- its other endpoints -----------------------------------------------------------------------------------


def _create_endpoint(_logical_id: str, props: Properties, _stack: str) -> Resource:
    _call_rds(rds._create_db_proxy_endpoint, props, ENDPOINT, "create")
    name = props["DBProxyEndpointName"]
    endpoint = rds._db_proxy_endpoints[name.lower()]
    if rds._db_proxies[props["DBProxyName"].lower()]["EngineFamily"] == "POSTGRESQL":
        endpoint["Endpoint"] = loopback.place_proxy()
        _serve_endpoint(endpoint)
    return name, _endpoint_attributes(endpoint)


def _update_endpoint(name: str, _old: Properties, new: Properties, _stack: str) -> Resource:
    endpoint = rds._db_proxy_endpoints[name.lower()]
    endpoint["VpcSecurityGroupIds"] = new.get("VpcSecurityGroupIds", [])
    return name, _endpoint_attributes(endpoint)


def _delete_endpoint(name: str, _props: Properties) -> None:
    endpoint = rds._db_proxy_endpoints.pop(name.lower(), None)
    if endpoint is not None:
        _close(proxy=endpoint["DBProxyName"], address=endpoint["Endpoint"])


def _endpoint_attributes(endpoint: Properties) -> Properties:
    return _pick(endpoint, "DBProxyEndpointArn", "Endpoint", "IsDefault", "VpcId")


# --- listening ---------------------------------------------------------------------------------------------


def _serve_endpoint(endpoint: Properties) -> None:
    """Listen, if the target is there."""
    proxy = Proxy(get_account_id(), get_region(), endpoint["DBProxyName"])
    if proxy.target() is None:
        return
    place = (endpoint["Endpoint"], PORT)
    with _lock:
        if place in _open and _open[place][0] == proxy.name:
            return  # where there is only one address, all endpoints of a proxy are one
        served = ProxyEndpoint(
            proxy,
            address=place[0],
            port=place[1],
            context=certificate_authority.server_context(place[0]),
            read_only=endpoint["TargetRole"] == "READ_ONLY",
        )
        served.open()
        _open[place] = proxy.name, served


def _close(*, proxy: str, address: str | None = None) -> None:
    with _lock:
        for place, (name, served) in list(_open.items()):
            if name == proxy and address in (None, place[0]):
                served.close()
                del _open[place]
