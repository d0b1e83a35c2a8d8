"""Errors as callers see them: problem documents of RFC 9457, with the id to ask about.

A file of its own for every function behind the API: driver_earnings has a link to this one.
"""

import json
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError


def answer_errors(app: APIGatewayRestResolver, logger: Logger) -> None:
    """Let an app answer every error with a problem document.

    Args:
        app: The app; what it raises itself for a wrong request is its own to handle.
        logger: Gets what went wrong inside, which the caller is not told.
    """

    def not_found(error: NotFoundError) -> Response[str]:
        return problem(app, logger, HTTPStatus.NOT_FOUND, str(error.msg))

    def failed(error: Exception) -> Response[str]:
        logger.exception("request failed", exception_name=type(error).__name__)
        return problem(app, logger, HTTPStatus.INTERNAL_SERVER_ERROR, "Try again later.")

    app.not_found(not_found)
    app.exception_handler(Exception)(failed)


def problem(
    app: APIGatewayRestResolver, logger: Logger, status: HTTPStatus, detail: str, **more: Any
) -> Response[str]:
    """Make a problem document.

    Args:
        app: The app that answers.
        logger: Knows the correlation id.
        status: Of the answer.
        detail: What the caller can do about it.
        **more: Members of this kind of problem.

    Returns:
        The answer.
    """
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "correlation_id": logger.get_correlation_id(),
        **more,
    }
    return Response(status.value, "application/problem+json", json.dumps(document), version_header(app))


def version_header(app: APIGatewayRestResolver) -> dict[str, str | list[str]]:
    """Say which version of the function answers: while a release shifts traffic there are two.

    Args:
        app: The app that answers.

    Returns:
        Headers of the answer.
    """
    return {"X-Function-Version": app.lambda_context.function_version}
