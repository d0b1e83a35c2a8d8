"""How a load balancer logs users in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration, SecretValue
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from constructs_lib import _defaults, _validation
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation.resource import find_resource

if TYPE_CHECKING:
    from aws_cdk import aws_cognito as cognito


@dataclass(frozen=True)
class LoadBalancerAuthentication:
    """How a load balancer logs users in, before their requests reach the function. Create it with `cognito` or `oidc`.

    The function gets the claims of the user in the header `x-amzn-oidc-data`, signed by the load balancer: verify the
    signature and the `signer`, because whoever can invoke the function directly could forge them. Sessions are in
    encrypted cookies. The load balancer connects to the provider: its security group gets a rule for that, and an
    internal load balancer requires a NAT gateway.

    Attributes:
        kind: `Cognito` or `OIDC`.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
    """

    kind: str
    _settings: "_Cognito | _Oidc"
    _common: "_Common"

    @staticmethod
    def cognito(
        *,
        user_pool: "cognito.IUserPool | cognito.UserPool",
        user_pool_client: "cognito.IUserPoolClient | cognito.UserPoolClient",
        user_pool_domain: "cognito.IUserPoolDomain | cognito.UserPoolDomain",
        scope: str = "openid",
        session_timeout: Duration | None = None,
        on_unauthenticated: elbv2.UnauthenticatedAction = elbv2.UnauthenticatedAction.AUTHENTICATE,
    ) -> "LoadBalancerAuthentication":
        """A Cognito user pool.

        Args:
            user_pool: The user pool.
            user_pool_client: A client with a secret, the authorization code grant, and the callback URL
                `https://<your domain>/oauth2/idpresponse`.
            user_pool_domain: The domain of the pool's login pages.
            scope: OAuth scopes, separated by spaces; default `openid`.
            session_timeout: How long a login lasts, 1 second to 7 days; default 7 days.
            on_unauthenticated: What happens to a request without a session; default `AUTHENTICATE`, which redirects
                to the login. `DENY` answers with 401. `ALLOW` passes it on.

        Returns:
            The value for `authentication=`.

        Raises:
            InvalidPropsError: An argument cannot work.
        """
        _validation.check_part("user_pool", user_pool, "user_pool_arn", "a user pool", required=True)
        _validation.check_part(
            "user_pool_client",
            user_pool_client,
            "user_pool_client_id",
            "a client of the user pool",
            required=True,
        )
        _validation.check_part(
            "user_pool_domain", user_pool_domain, "domain_name", "the domain of the user pool", required=True
        )
        _check_secret(user_pool_client)
        return LoadBalancerAuthentication(
            "Cognito",
            _Cognito(user_pool, user_pool_client, user_pool_domain),
            _common(scope, session_timeout, on_unauthenticated),
        )

    @staticmethod
    def oidc(
        *,
        issuer: str,
        authorization_endpoint: str,
        token_endpoint: str,
        user_info_endpoint: str,
        client_id: str,
        client_secret: SecretValue,
        scope: str = "openid",
        session_timeout: Duration | None = None,
        on_unauthenticated: elbv2.UnauthenticatedAction = elbv2.UnauthenticatedAction.AUTHENTICATE,
    ) -> "LoadBalancerAuthentication":
        """Another identity provider with OpenID Connect. Its discovery document has the four URLs.

        Args:
            issuer: The URL of the issuer, with HTTPS.
            authorization_endpoint: URL where users log in, with HTTPS.
            token_endpoint: URL where the load balancer gets tokens, with HTTPS.
            user_info_endpoint: URL where it gets the claims of a user, with HTTPS.
            client_id: The client id of the load balancer at the provider. Its redirect URL is
                `https://<your domain>/oauth2/idpresponse`.
            client_secret: The client secret, such as `secret.secret_value`. A new value in Secrets Manager reaches
                the load balancer with the next change of the listener or the rule.
            scope: OAuth scopes, separated by spaces; default `openid`.
            session_timeout: How long a login lasts, 1 second to 7 days; default 7 days.
            on_unauthenticated: What happens to a request without a session; default `AUTHENTICATE`, which redirects
                to the login. `DENY` answers with 401. `ALLOW` passes it on.

        Returns:
            The value for `authentication=`.

        Raises:
            InvalidPropsError: An argument cannot work.
        """
        for name, address in (
            ("issuer", issuer),
            ("authorization_endpoint", authorization_endpoint),
            ("token_endpoint", token_endpoint),
            ("user_info_endpoint", user_info_endpoint),
        ):
            _validation.check_pattern(
                name,
                address,
                r"https://[^\s?#]+",
                "an address with https://, and without a query",
                source=_defaults.LOAD_BALANCER_LOGIN,
            )
        _check_not_empty("client_id", client_id)
        if not isinstance(client_secret, SecretValue):
            raise InvalidPropsError(
                "client_secret must be a SecretValue, such as secret.secret_value, got "
                f"{_validation.shown(client_secret)}."
            )
        return LoadBalancerAuthentication(
            "OIDC",
            _Oidc(
                issuer, authorization_endpoint, token_endpoint, user_info_endpoint, client_id, client_secret
            ),
            _common(scope, session_timeout, on_unauthenticated),
        )

    @property
    def lets_everybody_pass(self) -> bool:
        """Whether requests without a session reach the function."""
        return self._common.on_unauthenticated is elbv2.UnauthenticatedAction.ALLOW

    def before(self, action: elbv2.ListenerAction) -> elbv2.ListenerAction:
        """The action of a listener or a rule that logs users in first.

        Args:
            action: What follows.

        Returns:
            Both actions.
        """
        common = self._common
        if isinstance(self._settings, _Cognito):
            from aws_cdk import aws_elasticloadbalancingv2_actions as actions

            return actions.AuthenticateCognitoAction(
                next=action,
                user_pool=self._settings.user_pool,
                user_pool_client=self._settings.user_pool_client,
                user_pool_domain=self._settings.user_pool_domain,
                scope=common.scope,
                session_timeout=common.session_timeout,
                on_unauthenticated_request=common.on_unauthenticated,
            )
        return elbv2.ListenerAction.authenticate_oidc(
            next=action,
            issuer=self._settings.issuer,
            authorization_endpoint=self._settings.authorization_endpoint,
            token_endpoint=self._settings.token_endpoint,
            user_info_endpoint=self._settings.user_info_endpoint,
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret,
            scope=common.scope,
            session_timeout=common.session_timeout,
            on_unauthenticated_request=common.on_unauthenticated,
        )


@dataclass(frozen=True)
class _Common:
    scope: str
    session_timeout: Duration
    on_unauthenticated: elbv2.UnauthenticatedAction


@dataclass(frozen=True)
class _Cognito:
    user_pool: "cognito.IUserPool"
    user_pool_client: "cognito.IUserPoolClient"
    user_pool_domain: "cognito.IUserPoolDomain"


@dataclass(frozen=True)
class _Oidc:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    user_info_endpoint: str
    client_id: str
    client_secret: SecretValue


_SESSION: Final = _defaults.LOAD_BALANCER_SESSION_SECONDS_MAX


def _common(scope: str, session_timeout: Duration | None, on_unauthenticated: object) -> _Common:
    """What both kinds have. All of it is in the template, so that a setting that is taken away is set back."""
    _check_not_empty("scope", scope)
    _validation.read_seconds(
        "session_timeout",
        session_timeout,
        low=1,
        high=_SESSION,
        whole="seconds",
        source=_defaults.LOAD_BALANCER_LOGIN,
    )
    if not isinstance(on_unauthenticated, elbv2.UnauthenticatedAction):
        raise InvalidPropsError(
            "on_unauthenticated must be an UnauthenticatedAction, such as UnauthenticatedAction.AUTHENTICATE, got "
            f"{_validation.shown(on_unauthenticated)}."
        )
    return _Common(scope, session_timeout or Duration.seconds(_SESSION), on_unauthenticated)


def _check_not_empty(name: str, value: str) -> None:
    _validation.check_pattern(
        name, value, r".*\S.*", "text that is not empty", source=_defaults.LOAD_BALANCER_LOGIN
    )


def _check_secret(client: "cognito.IUserPoolClient") -> None:
    """Refuse a client of this app that has no secret: AWS would refuse the listener."""
    from aws_cdk import aws_cognito as cognito

    resource = find_resource(client, cognito.CfnUserPoolClient)
    if resource is not None and resource.generate_secret is not True:
        raise InvalidPropsError(
            f"user_pool_client must have a secret, got {client.node.path}, which has none: the load balancer logs in "
            f"to the user pool with it. Pass generate_secret=True to the client. See {_defaults.LOAD_BALANCER_LOGIN}"
        )
