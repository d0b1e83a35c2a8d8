"""Which function, and which of its qualifiers, an asynchronous invocation was asked for.

MiniStack hands a version's record around; the name that was called is in its configuration.
"""

from dataclasses import dataclass
from typing import Any, Self

from ministack.services import lambda_svc

LATEST = "$LATEST"


@dataclass(frozen=True)
class CalledFunction:
    """A function as it was called.

    Attributes:
        account: Of the function.
        region: Of the function.
        name: The function's.
        qualifier: The alias or version that was called, or `$LATEST`.
        version: The version that runs.
        role: The function's.
    """

    account: str
    region: str
    name: str
    qualifier: str
    version: str
    role: str

    @classmethod
    def of(cls, func: dict[str, Any]) -> Self:
        """Read it from what MiniStack is about to invoke."""
        config = func.get("config") or func
        account, region = lambda_svc._account_region_from_function_config(config)
        name, qualifier = lambda_svc._lambda_function_name_and_qualifier_from_arn(config["FunctionArn"])
        return cls(account, region, name, qualifier or LATEST, config.get("Version", LATEST), config["Role"])

    @property
    def arn(self) -> str:
        """The ARN with the qualifier, also where that is `$LATEST`."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}:{self.qualifier}"

    @property
    def record(self) -> dict[str, Any]:
        """The function itself, whatever version runs: what there is once for all versions is here."""
        record: dict[str, Any] = lambda_svc._functions.get_scoped(self.account, self.region, self.name) or {}
        return record

    @property
    def reserved_concurrency(self) -> int | None:
        """What is reserved for all versions together."""
        reserved: int | None = lambda_svc._reserved_concurrency(self.record, {})
        return reserved

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration of asynchronous invocation on the very qualifier that was called."""
        configs = self.record.get("event_invoke_configs") or {}
        # Without a qualifier, the API means `$LATEST`.
        found = configs.get(self.qualifier) or (configs.get("") if self.qualifier == LATEST else None)
        return dict(found or {})

    @property
    def dead_letter_queue(self) -> str | None:
        """The function's, for all its versions."""
        config = self.record.get("config") or {}
        target: str | None = (config.get("DeadLetterConfig") or {}).get("TargetArn")
        return target
