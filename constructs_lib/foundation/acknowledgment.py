"""Findings of cdk-nag that are meant to be so, each with a reason that a reviewer can judge."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

_CHOSEN = {
    "IAM": "Callers sign with SigV4 and need execute-api:Invoke on this route; chosen for the API or the route.",
    "JWT": "Callers bring a token that API Gateway checks; chosen for the API or the route.",
    "Lambda": "A function decides on each caller; chosen for the API or the route.",
    "public": "Open to everybody, as Authorization.public() says for the API or the route.",
}


def acknowledge(construct: IConstruct, findings: Mapping[str, str]) -> None:
    """Acknowledge findings of validation, each with the reason why it is not a fault.

    Args:
        construct: Where they are found.
        findings: The reasons by finding.
    """
    together = _together.get()
    if together is not None:
        together.setdefault(construct, {}).update(findings)
    elif findings:
        Validations.of(construct).acknowledge(
            *(Acknowledgment(id=finding, reason=reason) for finding, reason in findings.items())
        )


@contextmanager
def acknowledged_together() -> Iterator[None]:
    """Acknowledge what the block does for each construct in one call to Node, at the end of the block."""
    if _together.get() is not None:  # within another such block
        yield
        return
    together: dict[IConstruct, dict[str, str]] = {}
    token = _together.set(together)
    try:
        yield
    finally:
        _together.reset(token)
    for construct, findings in together.items():
        acknowledge(construct, findings)


_together: Final[ContextVar[dict[IConstruct, dict[str, str]] | None]] = ContextVar("together", default=None)


def authorization(kind: str, *, rest: bool) -> dict[str, str]:
    """Findings on a route whose authorization was chosen otherwise than cdk-nag would.

    Args:
        kind: Of the authorization.
        rest: Whether it is a route of a REST API, of which cdk-nag asks for Cognito.

    Returns:
        The reasons by finding.
    """
    if kind not in _CHOSEN:
        return {}
    found = {"AwsSolutions-COG4": _CHOSEN[kind]} if rest else {}
    return found | ({"AwsSolutions-APIG4": _CHOSEN[kind]} if kind == "public" else {})
