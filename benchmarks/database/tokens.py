"""IAM tokens of the runtime's own signer, beside those of botocore for the same inputs."""

import random
import time
from datetime import UTC, datetime
from typing import Any, Final
from unittest import mock

import botocore.auth
import botocore.session

from benchmarks.database.figures import Figure
from constructs_lib.runtime.credentials import Credentials
from constructs_lib.runtime.iam_login import sign

_SEED: Final = 4
_REGIONS: Final = ("us-east-1", "eu-central-1", "ap-southeast-2", "us-gov-west-1", "cn-north-1")
_PORTS: Final = (443, 5432, 3306, 15432)
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_IN_NAMES: Final = _LETTERS + "_-.$ /+@=~%äß"
_IN_TOKENS: Final = _LETTERS + _LETTERS.upper() + "+/="


def measure(*, safeguarded: bool, tokens: int) -> Figure:
    """Sign for many inputs. The safeguard is that a token is signed at each opening: without it the first is kept.

    Args:
        safeguarded: Whether each input gets a token of its own.
        tokens: How many inputs.
    """
    chance = random.Random(_SEED)  # noqa: S311 - no secret
    session = botocore.session.Session()
    different, milliseconds, kept = 0, [], ""
    for _ in range(tokens):
        host = f"{_some(chance, _LETTERS, 20)}.proxy-{_some(chance, _LETTERS, 12)}.rds.amazonaws.com"
        where = (host.upper() if chance.random() < 0.1 else host, chance.choice(_PORTS))
        user, region = _some(chance, _IN_NAMES, 16), chance.choice(_REGIONS)
        token = _some(chance, _IN_TOKENS, 200) if chance.random() < 0.8 else None
        credentials = Credentials(
            "AKIA" + _some(chance, _LETTERS, 16).upper(), _some(chance, _IN_TOKENS, 40), token
        )
        at = chance.randrange(1_700_000_000, 2_000_000_000)
        started = time.perf_counter()
        if safeguarded or not kept:
            kept = sign(*where, user, region, credentials, at=time.gmtime(at))
        milliseconds.append((time.perf_counter() - started) * 1000)
        different += kept != _of_botocore(session, where, user, region, credentials, at)
    return Figure(
        count=tokens, failed=different, milliseconds=milliseconds, note="failed: not the token of botocore"
    )


def _of_botocore(
    session: Any, where: tuple[str, int], user: str, region: str, credentials: Credentials, at: int
) -> str:
    client = session.create_client(
        "rds",
        region,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
    )
    now = datetime.fromtimestamp(at, UTC)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=now):
        return str(client.generate_db_auth_token(*where, user))


def _some(chance: random.Random, letters: str, length: int) -> str:
    return "".join(chance.choice(letters) for _ in range(length))
