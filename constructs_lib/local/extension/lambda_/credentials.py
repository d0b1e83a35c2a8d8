"""The credentials of a function, as far as a database's token depends on them.

They end some time, or no token that is made of them would be good. And where there is no session token there is no
variable for it either: MiniStack sets an empty one.
"""

import time
from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sts

_SECONDS: Final = 7 * 24 * 3600  # a warm function never gets others: longer than anybody's run


def install() -> None:
    """Give every session an end, and leave out what is empty."""
    register = sts.register_session

    def register_until(access_key: str, session: dict[str, Any]) -> None:
        session.setdefault("Expiration", time.time() + _SECONDS)
        register(access_key, session)

    sts.register_session = register_until
    plain = lambda_runtime.execution_credentials

    def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
        return {name: value for name, value in plain(config).items() if value}

    for module in (lambda_runtime, lambda_svc):
        module.execution_credentials = execution_credentials
