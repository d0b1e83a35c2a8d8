"""Secrets in the environment of a function, where whoever may read its configuration reads them."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from constructs_lib import _defaults
from constructs_lib.practice.assembly import Resource
from constructs_lib.practice.flows import Flows
from constructs_lib.practice.rule import Finding, Rule

_REFERENCE: Final = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):")
"""What CloudFormation replaces by the secret itself: CDK writes it for `unsafe_unwrap`."""

_FORMATS: Final = {
    "an access key of AWS": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----",
    "a token of GitHub": r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{50,})",
    "a key of Stripe": r"\b[sr]k_live_[0-9A-Za-z]{16,}",
    "a token of Slack": r"\bxox[abprs]-[0-9A-Za-z-]{10,}",
    "a URL with a password": r"\b[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@]+@",
}
"""Values that are secrets whatever their name is."""

_NAME: Final = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_KEY|ACCESS_KEY)$", re.IGNORECASE
)
_NAMES_OR_PLACES: Final = re.compile(r"arn:|https?:|/|\w+/")
"""How the name or the address of a secret begins, in place of the secret."""


def _secrets(flows: Flows) -> Iterator[Finding]:
    for function, name, raw in _variables(flows):
        what = _reference(function, raw) or _known_format(function.text("Environment", "Variables", name))
        if what:
            yield Finding(function, f"{function.path} has {what} in its environment, as {name}.")


def _likely_secrets(flows: Flows) -> Iterator[Finding]:
    for function, name, raw in _variables(flows):
        if not isinstance(raw, str) or not raw or _NAMES_OR_PLACES.match(raw):
            continue
        if _NAME.search(name) and not _REFERENCE.search(raw) and not _known_format(raw):
            yield Finding(
                function, f"{function.path} has {name} in its environment, with its value in the template."
            )


def _variables(flows: Flows) -> Iterator[tuple[Resource, str, Any]]:
    """The functions of an app, and each of their variables as the template has it."""
    for function in flows.assembly.of_type("AWS::Lambda::Function"):
        environment = function.raw_properties.get("Environment")
        variables = environment.get("Variables") if isinstance(environment, Mapping) else None
        if isinstance(variables, Mapping):
            for name, raw in variables.items():
                yield function, name, raw


def _reference(function: Resource, raw: Any) -> str:
    """What a variable takes its value from, if that is kept secret elsewhere."""
    if _REFERENCE.search(json.dumps(raw)):
        return "the value of a secret"
    match raw:
        case {"Ref": str() as parameter} if (
            function.template.section("Parameters").get(parameter, {}).get("NoEcho")
        ):
            return f"the parameter {parameter}, which has NoEcho,"
    return ""


def _known_format(value: str) -> str:
    return next((what for what, pattern in _FORMATS.items() if re.search(pattern, value)), "")


_FIX: Final = (
    "Pass the secret's ARN or name, let the function read the secret (secret.grant_read), and read it at run time: "
    "with parameters.get_secret of Powertools, which keeps it for a time; for a database, connect the function to it."
)

SECRET_IN_ENVIRONMENT: Final = Rule(
    id="secret-in-environment",
    severity="error",
    reason="Whoever may call lambda:GetFunctionConfiguration reads it, it is in each published version, and a "
    "rotation does not reach it.",
    fix=_FIX,
    source=_defaults.LAMBDA_ENVIRONMENT,
    find=_secrets,
)

SECRET_BY_NAME: Final = Rule(
    id="secret-by-name",
    severity="warning",
    reason="If it is one, whoever reads the template, the repository or the function's configuration has it.",
    fix=_FIX,
    source=_defaults.LAMBDA_ENVIRONMENT,
    find=_likely_secrets,
)

RULES: Final = (SECRET_IN_ENVIRONMENT, SECRET_BY_NAME)
