"""What is refused of a function URL, before anything of it is made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration, Stack, Token
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import AliasLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location
from constructs_lib.foundation.invoked import Invoked, check_permission
from constructs_lib.patterns.api.authorization import Authorization
from constructs_lib.patterns.api.cors import cors_of
from constructs_lib.patterns.api.domain_arguments import region_of

if TYPE_CHECKING:
    from aws_cdk import aws_certificatemanager as acm


# --- who may call, and what -----------------------------------------------------------------------------


def check_authorization(authorization: object, *, cloudfront: bool) -> None:
    """Refuse what a function URL cannot ask of its callers.

    Args:
        authorization: Who may call.
        cloudfront: Whether a distribution is put in front.

    Raises:
        InvalidPropsError: It is not an `Authorization` of a kind that a function URL has.
    """
    if not isinstance(authorization, Authorization):
        raise InvalidPropsError(
            "authorization must be Authorization.iam() or Authorization.public(), got "
            f"{_validation.shown(authorization)}. See {_defaults.FUNCTION_URL_AUTH}"
        )
    if authorization.kind not in ("IAM", "public"):
        raise InvalidPropsError(
            f"authorization must be Authorization.iam() or Authorization.public(), got one of kind "
            f"{authorization.kind}: a function URL checks no tokens. Use ProvisionedApi, or check them in the "
            f"function. See {_defaults.FUNCTION_URL_AUTH}"
        )
    if cloudfront and authorization.kind == "IAM":
        raise InvalidPropsError(
            "cloudfront=True requires authorization=Authorization.public(): CloudFront signs each request itself, in "
            "the place of a signature of the caller, so that everybody who reaches the distribution is answered. The "
            "function URL itself then takes requests of the distribution alone. "
            f"See {_defaults.CLOUDFRONT_FUNCTION_URL}"
        )


def check_function(alias: AliasLike, invoked: Invoked, *, public: bool, cloudfront: bool) -> None:
    """Refuse a function that would lose answers, or the concurrency of the account.

    Args:
        alias: What is called, as it was passed.
        invoked: The same, resolved.
        public: Whether everybody may call.
        cloudfront: Whether a distribution is put in front.

    Raises:
        InvalidPropsError: It answers too late, or it is public and without reserved concurrency, or cannot be made
            public from here.
    """
    seconds = invoked.timeout_seconds
    if (
        invoked.kind.is_durable
        and seconds is not None
        and seconds > _defaults.SYNCHRONOUS_DURABLE_SECONDS_MAX
    ):
        raise InvalidPropsError(
            f"execution_timeout of the durable function {invoked.path} must be at most "
            f"{_defaults.SYNCHRONOUS_DURABLE_SECONDS_MAX} seconds, got {seconds:,.0f}: nobody can wait longer for an "
            f"answer. Start longer ones asynchronously, with EventRule for example. See {_defaults.DURABLE_INVOKING}"
        )
    if seconds is not None and seconds > _defaults.FUNCTION_TIMEOUT_SECONDS_MAX:
        raise InvalidPropsError(
            f"the timeout of function {invoked.path} must be at most {_defaults.FUNCTION_TIMEOUT_SECONDS_MAX} seconds "
            f"for its callers at a URL, got {seconds:,.0f}: Lambda gives synchronous invocations no more, on managed "
            f"instances too. Lower it, or start the long work asynchronously. See {_defaults.LAMBDA_TIMEOUT}"
        )
    if cloudfront and seconds is not None and seconds > _defaults.CLOUDFRONT_READ_TIMEOUT_SECONDS:
        raise InvalidPropsError(
            f"the timeout of function {invoked.path} must be at most the {_defaults.CLOUDFRONT_READ_TIMEOUT_SECONDS} "
            f"seconds that CloudFront waits, got {seconds:g}: its caller would have a 504 while it works on. Give the "
            f"function less time, or leave cloudfront out. See {_defaults.CLOUDFRONT_QUOTAS}"
        )
    if not public:
        return
    if not cloudfront:
        check_permission(invoked, alias)
    if invoked.is_unreserved:
        raise InvalidPropsError(
            f"Authorization.public() requires reserved concurrency of function {invoked.path}: everybody on the "
            "internet may call it, and without a limit of its own it could use up the concurrency of the account. Set "
            "reserved_concurrent_executions; ten times this number are the requests per second that it takes. "
            f"See {_defaults.LAMBDA_CONCURRENCY}"
        )


def check_streaming(invoked: Invoked) -> None:
    """Refuse a function whose responses Lambda would not stream.

    Args:
        invoked: What is called.

    Raises:
        InvalidPropsError: It is in a VPC, or its managed runtime does not stream.
    """
    properties = invoked.properties
    if properties.get("vpcConfig") is not None:
        raise InvalidPropsError(
            f"response_streaming cannot be combined with a function in a VPC, as {invoked.path} is: function URLs do "
            f"not stream from there. Leave response_streaming out. See {_defaults.RESPONSE_STREAMING}"
        )
    runtime = properties.get("runtime")
    if not isinstance(runtime, str) or _validation.is_unresolved(runtime):
        return
    if runtime.startswith(_defaults.STREAMING_RUNTIMES) or _has_web_adapter(invoked):
        return
    raise InvalidPropsError(
        f"response_streaming requires a runtime that streams, and that of function {invoked.path} is {runtime}: of "
        f"Lambda's own, Node.js alone does. Add the layer of the Lambda Web Adapter with "
        f"{_defaults.WEB_ADAPTER_VARIABLE}=/opt/bootstrap and AWS_LWA_INVOKE_MODE=response_stream in the environment, "
        f"or leave response_streaming out. See {_defaults.RESPONSE_STREAMING}"
    )


def _has_web_adapter(invoked: Invoked) -> bool:
    """Whether the environment has it so far; CDK's value is resolved late, and as a text keeps what it refers to."""
    environment = Token.as_string(invoked.properties.get("environment") or {})
    resolved = Stack.of(invoked.base).resolve(environment) or {}
    return _defaults.WEB_ADAPTER_VARIABLE in (resolved.get("variables") or {})


# --- CORS -----------------------------------------------------------------------------------------------


def cors_options(
    *,
    origins: Sequence[str],
    methods: Sequence[str],
    headers: Sequence[str],
    exposed_headers: Sequence[str],
    credentials: bool,
    max_age: Duration | None,
) -> lambda_.FunctionUrlCorsOptions | None:
    """Check the arguments for CORS, and put them together.

    Args:
        origins: The pages that may call.
        methods: How they may call.
        headers: What they may send.
        exposed_headers: What they may read.
        credentials: Whether they may send cookies.
        max_age: How long a browser remembers all this.

    Returns:
        The settings; None where no page may call.

    Raises:
        InvalidPropsError: Lambda or browsers would refuse the settings.
    """
    page = _defaults.FUNCTION_URL_CORS
    _validation.check_flag("cors_credentials", credentials)
    cors = cors_of(origins, headers, (), credentials=credentials, http=False, source=page)
    _validation.check_texts("cors_methods", methods)
    _validation.check_texts("cors_exposed_headers", exposed_headers)
    _validation.read_seconds(
        "cors_max_age",
        max_age,
        high=_defaults.FUNCTION_URL_CORS_MAX_AGE_SECONDS_MAX,
        whole="seconds",
        source=page,
    )
    if cors is None:
        for name, given in (("cors_exposed_headers", exposed_headers), ("cors_max_age", max_age)):
            if given:
                raise InvalidPropsError(f"{name} requires cors_origins: the pages that may call.")
        return None
    for method in methods:
        _validation.check_choice(
            "cors_methods", method, (*_defaults.FUNCTION_URL_CORS_METHODS, "*"), source=page
        )
    if not methods or ("*" in methods and (credentials or len(methods) > 1)):
        raise InvalidPropsError(
            "cors_methods must name methods one by one, or be '*' alone and without cors_credentials, got "
            f"{', '.join(methods) or 'an empty list'}. See {page}"
        )
    _check_lengths("cors_origins", origins, _defaults.FUNCTION_URL_CORS_ORIGIN_CHARACTERS_MAX)
    for name, names in (("cors_headers", headers), ("cors_exposed_headers", exposed_headers)):
        _check_lengths(name, names, _defaults.FUNCTION_URL_CORS_HEADER_CHARACTERS_MAX)
    return lambda_.FunctionUrlCorsOptions(
        allowed_origins=list(origins),
        allowed_methods=[_METHODS[method] for method in methods],
        allowed_headers=list(headers) or None,
        exposed_headers=list(exposed_headers) or None,
        allow_credentials=credentials,
        max_age=max_age or Duration.seconds(_defaults.CORS_MAX_AGE_SECONDS),
    )


_METHODS: Final = {
    "*": lambda_.HttpMethod.ALL,
    **{method: lambda_.HttpMethod[method] for method in _defaults.FUNCTION_URL_CORS_METHODS},
}


def _check_lengths(name: str, values: Sequence[str], characters: int) -> None:
    if len(values) > _defaults.FUNCTION_URL_CORS_ITEMS_MAX:
        raise InvalidPropsError(
            f"{name} must be at most {_defaults.FUNCTION_URL_CORS_ITEMS_MAX}, got {len(values)}. "
            f"See {_defaults.FUNCTION_URL_CORS}"
        )
    for value in values:
        _validation.check_pattern(
            name,
            value,
            f".{{1,{characters}}}",
            f"1 to {characters:,} characters each",
            source=_defaults.FUNCTION_URL_CORS,
        )


# --- CloudFront -----------------------------------------------------------------------------------------


def check_distribution(
    scope: Construct,
    *,
    cloudfront: bool,
    web_acl_arn: str | None,
    domain_name: str | None,
    certificate: "acm.ICertificate | None",
    price_class: object,
) -> None:
    """Refuse a distribution that CloudFront would refuse, and settings without one.

    Args:
        scope: Where the construct is going to be.
        cloudfront: Whether there is a distribution.
        web_acl_arn: The web ACL in front of it.
        domain_name: Its domain.
        certificate: For the domain.
        price_class: Where it answers from.

    Raises:
        InvalidPropsError: They do not fit each other, or are of another Region or account.
    """
    _validation.check_flag("cloudfront", cloudfront)
    if price_class is not None:
        from aws_cdk import aws_cloudfront

        _validation.check_member("price_class", price_class, aws_cloudfront.PriceClass)
    _validation.check_part("certificate", certificate, "certificate_arn", "a certificate")
    settings = {
        "web_acl_arn": web_acl_arn,
        "domain_name": domain_name,
        "certificate": certificate,
        "price_class": price_class,
    }
    if not cloudfront:
        for name, value in settings.items():
            if value is not None:
                raise InvalidPropsError(
                    f"{name} requires cloudfront=True: a function URL has none of its own. "
                    f"See {_defaults.FUNCTION_URL_OR_API}"
                )
        return
    _check_web_acl(web_acl_arn)
    if (domain_name is None) != (certificate is None):
        given, missing = (
            ("certificate", "domain_name") if domain_name is None else ("domain_name", "a certificate for it")
        )
        raise InvalidPropsError(f"{given} requires {missing}. See {_defaults.CLOUDFRONT_CERTIFICATES}")
    if domain_name is not None and certificate is not None:
        _validation.check_pattern(
            "domain_name",
            domain_name,
            r"(\*\.)?([a-z0-9_-]+\.)+[a-z0-9-]+",
            "the name of a domain in small letters, such as files.example.com",
            source=_defaults.CLOUDFRONT_CERTIFICATES,
        )
        _check_certificate(scope, certificate)


def _check_web_acl(arn: str | None) -> None:
    if arn is None:
        return
    _validation.check_text("web_acl_arn", arn)
    if not _validation.is_unresolved(arn) and ":global/webacl/" not in arn:
        raise InvalidPropsError(
            f"web_acl_arn must be that of a web ACL with the scope CLOUDFRONT, got {arn!r}: make it in "
            f"{_defaults.CLOUDFRONT_REGION}. See {_defaults.CLOUDFRONT_WEB_ACL}"
        )


def _check_certificate(scope: Construct, certificate: "acm.ICertificate") -> None:
    arn = certificate.certificate_arn
    region = Stack.of(certificate).region if _validation.is_unresolved(arn) else region_of(arn)
    if region and not _validation.is_unresolved(region) and region != _defaults.CLOUDFRONT_REGION:
        raise InvalidPropsError(
            f"certificate must be in Region {_defaults.CLOUDFRONT_REGION}, where CloudFront looks for it, got "
            f"{certificate.node.path} in {region}. See {_defaults.CLOUDFRONT_CERTIFICATES}"
        )
    if location.is_of_another_account(scope, certificate):
        raise InvalidPropsError(
            f"certificate must be in account {Stack.of(scope).account}, where the distribution is, got "
            f"{certificate.node.path} in {certificate.env.account}. See {_defaults.CLOUDFRONT_CERTIFICATES}"
        )
