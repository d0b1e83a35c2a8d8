"""Who may call an API or a function URL: set for the whole API, and again for a route that differs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_

from constructs_lib import _defaults, _validation
from constructs_lib._types import AliasLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.patterns.api import aliases

if TYPE_CHECKING:
    from aws_cdk import aws_cognito as cognito


@dataclass(frozen=True)
class Authorization:
    """How callers prove who they are, made by one of its five methods. An API has no default.

    Attributes:
        kind: Which of the five.
        user_pool: Cognito: the pool whose tokens count. Else None.
        user_pool_clients: Cognito: the app clients whose tokens count.
        issuer: JWT: the `iss` of the tokens.
        audience: JWT: the `aud` or `client_id` of the tokens.
        scopes: Cognito and JWT: at least one of these must be in the token.
        alias: Lambda: the alias of the function that decides. Else None.
        identity_header: Lambda: requests without this header get 401.
        cache_ttl: Lambda: how long an answer serves the same header again. None: not at all.

    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html
    """

    kind: Literal["IAM", "Cognito", "JWT", "Lambda", "public"]
    user_pool: "cognito.IUserPool | None" = None
    user_pool_clients: "tuple[cognito.IUserPoolClient, ...]" = ()
    issuer: str = ""
    audience: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    alias: AliasLike | None = None
    identity_header: str = "Authorization"
    cache_ttl: Duration | None = None

    @staticmethod
    def iam() -> "Authorization":
        """Callers sign with SigV4 and need permissions, which the grants of the constructs give.

        An API requires `execute-api:Invoke` of them: `ProvisionedApi.grant_invoke`. A function URL requires two actions
        of Lambda: `FunctionEndpoint.grant_invoke_url`.

        Returns:
            For `authorization=`.
        """
        return Authorization("IAM")

    @staticmethod
    def public() -> "Authorization":
        """Anybody on the internet may call. Said out loud, so that a reviewer sees it."""
        return Authorization("public")

    @staticmethod
    def cognito(
        user_pool: "cognito.IUserPool | cognito.UserPool",
        *,
        clients: "Sequence[cognito.IUserPoolClient | cognito.UserPoolClient]" = (),
        scopes: Sequence[str] = (),
    ) -> "Authorization":
        """Callers bring a token of a Cognito user pool.

        Args:
            user_pool: Whose tokens count.
            clients: HTTP API: the app clients whose tokens count, at least one. A REST API takes tokens of
                every client of the pool.
            scopes: At least one of these must be in the access token. REST: without any, the ID token counts.

        Returns:
            For `authorization=`.

        Raises:
            InvalidPropsError: An argument is of another kind, or more than API Gateway takes.
        """
        _validation.check_part("user_pool", user_pool, "user_pool_id", "a Cognito user pool", required=True)
        if isinstance(clients, str) or not isinstance(clients, Sequence):
            raise InvalidPropsError(
                f"clients must be a list of user pool clients, got {_validation.shown(clients)}."
            )
        for client in clients:
            _validation.check_part(
                "clients", client, "user_pool_client_id", "user pool clients", required=True
            )
        _at_most("clients", clients, _defaults.AUTHORIZER_AUDIENCES_MAX)
        _check_scopes(scopes)
        return Authorization(
            "Cognito", user_pool=user_pool, user_pool_clients=tuple(clients), scopes=tuple(scopes)
        )

    @staticmethod
    def jwt(*, issuer: str, audience: Sequence[str], scopes: Sequence[str] = ()) -> "Authorization":
        """Callers bring a JSON Web Token of any OpenID Connect provider. HTTP APIs only.

        Args:
            issuer: The `iss` of the tokens, an https URL: API Gateway looks for the keys below it.
            audience: At least one of these must be the token's `aud` or `client_id`.
            scopes: At least one of these must be in the token.

        Returns:
            For `authorization=`.

        Raises:
            InvalidPropsError: The issuer is not an https URL, or there is no audience, or too many.
        """
        _validation.check_text("issuer", issuer)
        if not _validation.is_unresolved(issuer) and not issuer.startswith("https://"):
            raise InvalidPropsError(
                f"issuer must be an https URL, such as https://example.com/, got {issuer!r}. "
                f"See {_defaults.HTTP_API_JWT}"
            )
        _validation.check_texts("audience", audience)
        if not audience:
            raise InvalidPropsError(
                "audience must name at least one: without it, tokens made for any other service of this issuer "
                f"would be taken. See {_defaults.HTTP_API_JWT}"
            )
        _at_most("audience", audience, _defaults.AUTHORIZER_AUDIENCES_MAX)
        _check_scopes(scopes)
        return Authorization("JWT", issuer=issuer, audience=tuple(audience), scopes=tuple(scopes))

    @staticmethod
    def lambda_authorizer(
        alias: lambda_.IAlias | lambda_.Alias,
        *,
        identity_header: str = "Authorization",
        cache_ttl: Duration | None = None,
    ) -> "Authorization":
        """Your own function decides, called at its alias.

        It answers a REST API with an IAM policy, an HTTP API with `{"isAuthorized": true}` (payload 2.0).

        Args:
            alias: Of the function that decides. Before an HTTP API it has 10 seconds.
            identity_header: Requests without this header get 401 without a call.
            cache_ttl: How long an answer serves the same header again, in whole seconds up to an hour; default 0,
                not at all. A REST API gives a cached policy to every route, so it must allow all that the caller
                may do; an HTTP API caches for each route.

        Returns:
            For `authorization=`.

        Raises:
            InvalidPropsError: `alias` is not an alias, `identity_header` is not the name of a header, or
                `cache_ttl` is out of range.
        """
        aliases.check("alias of a Lambda authorizer", alias)
        _validation.check_pattern(
            "identity_header",
            identity_header,
            r"[A-Za-z0-9._$-]+",
            "letters, digits, and . _ $ -",
            source=_defaults.LAMBDA_AUTHORIZERS,
        )
        _validation.read_seconds(
            "cache_ttl",
            cache_ttl,
            high=_defaults.AUTHORIZER_CACHE_SECONDS_MAX,
            whole="seconds",
            source=_defaults.LAMBDA_AUTHORIZERS,
        )
        return Authorization("Lambda", alias=alias, identity_header=identity_header, cache_ttl=cache_ttl)

    @property
    def authorizer(self) -> "Authorization":
        """What routes with different scopes have in common: they share one authorizer."""
        return replace(self, scopes=())


def _check_scopes(scopes: Sequence[str]) -> None:
    _validation.check_texts("scopes", scopes)
    _at_most("scopes", scopes, _defaults.ROUTE_SCOPES_MAX)


def _at_most(name: str, values: Sequence[object], limit: int) -> None:
    if len(values) > limit:
        raise InvalidPropsError(
            f"{name} must be at most {limit}, got {len(values)}. See {_defaults.HTTP_API_QUOTAS}"
        )
