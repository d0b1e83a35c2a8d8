"""An alias's weights, which MiniStack stores and does not route by: each invocation takes a version by chance.

Every way in is meant: the Invoke API, API Gateway, function URLs, event source mappings (a batch is an invocation),
asynchronous invocation (once; its retries stay with the version). Reserved concurrency, which MiniStack forgets for
a version, holds for all of a function, and a handler is told the name that it was called by.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html,
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html (reserved concurrency is the function's)
"""

import random
from contextvars import ContextVar
from typing import Any

from ministack.services import lambda_svc

_READS: ContextVar[bool] = ContextVar("reads", default=False)
"""The call asks what an alias is; it does not invoke it."""

_CALLED_AS: ContextVar[str | None] = ContextVar("called_as", default=None)
"""The name by which the invocation that is under way was asked for."""


def install() -> None:
    """Take weights into account wherever a qualifier becomes a version."""
    _route_references()
    _route_invoke()
    _keep_reserved_concurrency()


def _choose(alias: dict[str, Any]) -> str:
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    chance = random.random()  # noqa: S311 - which version runs is no secret
    for version, weight in weights.items():
        chance -= weight
        if chance < 0:
            return str(version)
    return str(alias.get("FunctionVersion", "$LATEST"))


def _route_references() -> None:
    """API Gateway, event source mappings, SNS, EventBridge, ...: all but the Invoke API."""
    plain = lambda_svc._effective_func_record_for_qualifier

    def resolve(func: Any, qualifier: str | None) -> Any:
        alias = (func or {}).get("aliases", {}).get(qualifier)
        if alias is None or _READS.get():
            return plain(func, qualifier)
        record, config = plain(func, _choose(alias))
        if record is None:
            return None, None
        config = config | {"FunctionArn": alias["AliasArn"]}
        return record | {"config": config}, config

    lambda_svc._effective_func_record_for_qualifier = resolve
    for reader in ("_get_function", "_get_function_config"):
        setattr(lambda_svc, reader, _reading(getattr(lambda_svc, reader)))


def _reading(read: Any) -> Any:
    def reading(*arguments: Any, **keywords: Any) -> Any:
        token = _READS.set(True)
        try:
            return read(*arguments, **keywords)
        finally:
            _READS.reset(token)

    return reading


def _route_invoke() -> None:
    """The Invoke API, which looks up the version itself and names it in its answer."""
    plain = lambda_svc._invoke

    async def invoke(
        name: str, event: Any, headers: Any, path_qualifier: str | None = None, query_params: Any = None
    ) -> Any:
        qualifier = lambda_svc._qualifier_from_path_or_query(path_qualifier, query_params)
        alias = (lambda_svc._functions.get(name) or {}).get("aliases", {}).get(qualifier)
        if alias is None:
            return await plain(name, event, headers, path_qualifier, query_params)
        token = _CALLED_AS.set(alias["AliasArn"])
        try:
            return await plain(name, event, headers, _choose(alias), query_params)
        finally:
            _CALLED_AS.reset(token)

    lambda_svc._invoke = invoke
    for execute in ("_execute_function_with_config_scope", "invoke_async_with_retry"):
        setattr(lambda_svc, execute, _as_called(getattr(lambda_svc, execute)))


def _as_called(execute: Any) -> Any:
    """Hand the alias's name on to the handler: chosen above, the version's name is all that is left."""

    def execute_as_called(func: dict[str, Any], event: Any) -> Any:
        name = _CALLED_AS.get()
        if name is None:
            return execute(func, event)
        # Once: what the handler's end sets off was not called by that name.
        token = _CALLED_AS.set(None)
        try:
            return execute(func | {"config": func["config"] | {"FunctionArn": name}}, event)
        finally:
            _CALLED_AS.reset(token)

    return execute_as_called


def _keep_reserved_concurrency() -> None:
    plain = lambda_svc._reserved_concurrency

    def reserved(func: Any, config: dict[str, Any]) -> Any:
        return plain(lambda_svc._functions.get(config.get("FunctionName")) or func, config)

    lambda_svc._reserved_concurrency = reserved
