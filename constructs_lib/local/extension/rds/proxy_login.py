"""Who gets past the proxy, and how the proxy then logs in to the database.

The token's signature, age, host and user are checked by the emulator's own code, with the access keys that it knows.
Where IAM is enforced, the caller needs `rds-db:connect` on the proxy, and the proxy's own role needs what it uses:
the secret, or `rds-db:connect` on the database. The texts of refusals are RDS Proxy's.
Sources: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-iam-setup.html
and rds-proxy.troubleshooting.html beside it.
"""

import hmac
import json
from dataclasses import dataclass
from typing import Any, Final

from ministack import app as gateway
from ministack.core import iam_evaluator, rds_iam
from ministack.core.responses import request_scope
from ministack.services import cloudwatch, iam, rds, secretsmanager

from . import databases, roles

_WRONG: Final = "28P01"
_NOT_ALLOWED: Final = "28000"


class LoginRefusedError(Exception):
    """The client is told why.

    Attributes:
        code: The SQLSTATE.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code: Final = code


@dataclass(frozen=True)
class Client:
    """What a client has shown.

    Attributes:
        user: Whom it wants to be.
        password: What it sent; a token, with IAM.
        over_tls: Whether nobody else has read that.
        address: Where it connected to, as a token names it.
        port: Where it connected to.
    """

    user: str
    password: str
    over_tls: bool
    address: str
    port: int


@dataclass(frozen=True)
class Admission:
    """How the proxy logs in for this client.

    Attributes:
        database: Where.
        password: The secret's; None under end-to-end IAM: the database trusts the proxy.
    """

    database: databases.Database
    password: str | None


@dataclass(frozen=True)
class Proxy:
    """A proxy by its name; what it is configured to do is read anew for each client.

    Attributes:
        account: Its account.
        region: Its region.
        name: Its DBProxyName, in lower case.
    """

    account: str
    region: str
    name: str

    def requires_tls(self) -> bool:
        """Whether a client without TLS is sent away."""
        return bool(self._record()["RequireTLS"])

    def target(self) -> databases.Database | None:
        """The database behind it; None if it has none that is real."""
        with request_scope(self.account, self.region):
            for target in self._record()["Targets"]:
                found = databases.find(databases.arn_of(_resource(target)))
                if found is not None:
                    return found
        return None

    def admit(self, client: Client) -> Admission:
        """Check a client.

        Args:
            client: What it has shown.

        Returns:
            How to log in for it.

        Raises:
            LoginRefusedError: It is not let in.
        """
        with request_scope(self.account, self.region):
            record = self._record()
            database = self.target()
            if database is None:
                raise LoginRefusedError("08001", "This RDS proxy has no target database.")
            for entry in record["Auth"]:
                secret = self._read(record, entry.get("SecretArn", ""))
                if secret.get("username") == client.user:
                    if entry.get("IAMAuth", "DISABLED") == "DISABLED":
                        _compare(client, str(secret["password"]))
                    else:
                        self._check_token(record, client)
                    return Admission(database, str(secret["password"]))
            if record.get("DefaultAuthScheme") != "IAM_AUTH":
                raise LoginRefusedError(
                    _NOT_ALLOWED,
                    f"This RDS proxy has no credentials for the role {client.user}. "
                    "Check the credentials for this role and try again.",
                )
            self._check_token(record, client)
            self._check_own_login(record, database, client.user)
            return Admission(database, None)

    def measure(self, metric: str, value: float, unit: str) -> None:
        """Tell CloudWatch.

        Args:
            metric: As RDS Proxy calls it.
            value: How much.
            unit: Of what.
        """
        with request_scope(self.account, self.region):
            cloudwatch.record_metric("AWS/RDS", metric, value, unit, {"ProxyName": self.name})

    # --- inside --------------------------------------------------------------------------------------------

    def _record(self) -> Any:
        return rds._db_proxies.get_scoped(self.account, self.region, self.name)

    def _read(self, record: dict[str, Any], arn: str) -> dict[str, Any]:
        """The secret as it is now; nothing if the proxy's role may not read it."""
        _, secret = secretsmanager._resolve(arn)
        if secret is None or not self._role_allows(record, "secretsmanager:GetSecretValue", arn):
            return {}
        key = secret.get("KmsKeyId") or ""
        if key.startswith("arn:") and not self._role_allows(record, "kms:Decrypt", key):
            return {}
        _, version = secretsmanager._find_stage_version(secret, "AWSCURRENT")
        try:
            value = json.loads(version["SecretString"])
        except (TypeError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def _check_token(self, record: dict[str, Any], client: Client) -> None:
        if not client.over_tls:
            raise LoginRefusedError(_NOT_ALLOWED, "IAM authentication is allowed only with SSL connections.")
        verified = rds_iam.verify_rds_iam_token(
            client.password,
            hostname=client.address,
            port=client.port,
            db_user=client.user,
            region=self.region,
            account_id=self.account,
        )
        if isinstance(verified, rds_iam.VerifiedRdsToken):
            id_ = record["DBProxyArn"].rpartition(":")[2]
            if self._caller_may_connect(verified.access_key_id, f"{id_}/{client.user}"):
                return
        raise LoginRefusedError(
            _WRONG,
            f"The IAM authentication failed for the role {client.user}. "
            "Check the IAM token for this role and try again.",
        )

    def _caller_may_connect(self, access_key: str, resource: str) -> bool:
        if not gateway.AUTH:
            return True
        caller = iam_evaluator.resolve_principal(access_key, self.account)
        if isinstance(caller, iam_evaluator.AuthError):
            return False
        return caller.policies is None or self._is_allowed(caller, "rds-db:connect", self._dbuser(resource))

    def _check_own_login(self, record: dict[str, Any], database: databases.Database, user: str) -> None:
        """End to end, the proxy signs in to the database with a token of its own role."""
        resource = _resource(record["Targets"][0])
        id_ = resource.get("DbiResourceId") or resource["DbClusterResourceId"]
        enabled = resource.get("IAMDatabaseAuthenticationEnabled")
        allowed = self._role_allows(record, "rds-db:connect", self._dbuser(f"{id_}/{user}"))
        if not (enabled and allowed and roles.is_iam_user(database.server, user)):
            raise LoginRefusedError(_WRONG, f'PAM authentication failed for user "{user}"')

    def _dbuser(self, resource: str) -> str:
        return f"arn:aws:rds-db:{self.region}:{self.account}:dbuser:{resource}"

    def _role_allows(self, record: dict[str, Any], action: str, resource: str) -> bool:
        if not gateway.AUTH:
            return True
        name = record["RoleArn"].rpartition("/")[2]
        role = iam_evaluator.PrincipalInfo(
            arn=record["RoleArn"],
            type="AssumedRole",
            account=self.account,
            policies=iam_evaluator._gather_role_policies(name, self.account),
            limits=iam_evaluator._permissions_boundary(iam._roles, name, self.account),
        )
        via = {"kms:viaservice": f"secretsmanager.{self.region}.amazonaws.com"}
        return self._is_allowed(role, action, resource, via)

    def _is_allowed(
        self,
        caller: iam_evaluator.PrincipalInfo,
        action: str,
        resource: str,
        more: dict[str, str] | None = None,
    ) -> bool:
        asked = iam_evaluator.EvalContext(
            principal_arn=caller.arn,
            principal_type=caller.type,
            principal_account=self.account,
            action=action,
            resource_arn=resource,
            region=self.region,
            principal_keys=caller.keys,
            service_context=more or {},
        )
        result = iam_evaluator.evaluate(asked, caller.policies or [], *caller.limits)
        return bool(result.decision == "Allow")


def _resource(target: dict[str, Any]) -> dict[str, Any]:
    type_ = databases.INSTANCE if target["Type"] == "RDS_INSTANCE" else databases.CLUSTER
    record: dict[str, Any] = databases.record_of(type_, target["RdsResourceId"])
    return record


def _compare(client: Client, password: str) -> None:
    if not hmac.compare_digest(client.password.encode(), password.encode()):
        raise LoginRefusedError(
            _WRONG, f"The password that was provided for the role {client.user} is wrong."
        )
