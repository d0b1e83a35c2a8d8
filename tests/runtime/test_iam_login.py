"""The token is botocore's, byte for byte."""

import datetime
import random
import string
import sys
import time
from typing import Any

import botocore.auth
import botocore.session
import pytest
from botocore.credentials import Credentials as BotocoreCredentials

from constructs_lib.runtime.credentials import Credentials, CredentialSource
from constructs_lib.runtime.iam_login import IamLogin, sign

MOMENTS = [
    datetime.datetime(2026, 11, 23, 9, 8, 7),
    datetime.datetime(2024, 2, 29, 23, 59, 59),
    datetime.datetime(2031, 1, 1, 0, 0, 0),
]
HOSTS = [
    "proxy.proxy-abc123.eu-central-1.rds.amazonaws.com",
    "Mixed.Case.example.com",
    "127.0.0.3",
    "localhost",
    "db.cluster-ro-x.rds.cn-north-1.amazonaws.com.cn",
]
PORTS = [5432, 3306, 443, 80, 6543]
REGIONS = ["eu-central-1", "us-gov-west-1", "cn-north-1"]
USERS = [
    "app",
    "App_User",
    "with space",
    "a+b",
    "a/b",
    "a%2Fb",
    "a&b=c",
    "ü",
    "名前",
    "q?#",
    "-._~",
    "a'\"b",
    "🚀",
    "%",
]
TOKENS = [None, "FwoGZXIvYXdzEBYaD+/=", "a" * 1200 + "+/==", "with space&and=more", "é"]


def theirs(client: Any, host: str, port: int, user: str, region: str, credentials: Credentials) -> str:
    client._request_signer._credentials = BotocoreCredentials(*credentials)
    return str(client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user, Region=region))


@pytest.fixture(scope="module")
def client() -> Any:
    session = botocore.session.Session()
    session.set_credentials("AKIDEXAMPLE", "hidden")
    return session.create_client("rds", region_name="us-east-1")


def test_token_is_the_one_of_botocore(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(4)  # noqa: S311 - the same cases each time
    cases = [(user, token) for user in USERS for token in TOKENS]
    cases += [
        (
            "".join(dice.choices(string.printable.strip() + "äß€🚀 ", k=dice.randint(1, 63))),
            dice.choice(TOKENS),
        )
        for _ in range(300)
    ]
    for user, token in cases:
        moment = dice.choice(MOMENTS)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda moment=moment: moment)
        host, port, region = dice.choice(HOSTS), dice.choice(PORTS), dice.choice(REGIONS)
        secret = "".join(dice.choices(string.ascii_letters + "+/=", k=40))
        credentials = Credentials("ASIA" + "X" * 16, secret, token)
        mine = sign(host, port, user, region, credentials, at=moment.timetuple())
        assert mine == theirs(client, host, port, user, region, credentials), (user, token, host, port)


def test_it_is_signed_now_and_anew(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    login = IamLogin("h.example.com", 5432, "app", "eu-west-1")
    seconds = iter([1_800_000_000, 1_800_000_900])
    monkeypatch.setattr(
        time, "gmtime", lambda: datetime.datetime.fromtimestamp(next(seconds), datetime.UTC).timetuple()
    )
    tokens = [login.credentials(5)[1] for _ in range(2)]
    for token, second in zip(tokens, [1_800_000_000, 1_800_000_900], strict=True):
        moment = datetime.datetime.fromtimestamp(second, datetime.UTC)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda moment=moment: moment)
        assert token == theirs(
            client, "h.example.com", 5432, "app", "eu-west-1", Credentials("AKIDEXAMPLE", "hidden", "session")
        )
    assert tokens[0] != tokens[1]


def test_refused_token_is_worth_a_try_until_iam_must_know_and_with_other_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    class Endpoint(CredentialSource):
        had = True

        def forget(self) -> bool:
            had, self.had = self.had, False
            return had

    login = IamLogin("h", 1, "app", "eu-west-1", credentials=Endpoint())
    answers = []
    for later in (0, 29, 31, 3600):
        now[0] = 1000.0 + later
        answers.append(login.renew())
    assert answers == [True, True, False, False]
    restored = IamLogin("h", 1, "app", "eu-west-1", credentials=Endpoint())
    now[0] += 31
    restored.renew()
    now[0] += 31
    assert restored.renew() is False
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    fixed = IamLogin("h", 1, "app", "eu-west-1")
    fixed.credentials(5)
    assert fixed.renew() is True
    now[0] += 31
    assert fixed.renew() is False


def test_each_incident_has_its_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """RDS refuses for a moment when too many log in at once: an hour later it may do so again."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    login = IamLogin("h", 1, "app", "eu-west-1")
    for _ in range(3):
        assert login.renew() is True
        login.accepted()
        now[0] += 3600


def test_signing_imports_no_sdk() -> None:
    import subprocess

    code = (
        "import os, sys; os.environ.update(AWS_ACCESS_KEY_ID='a', AWS_SECRET_ACCESS_KEY='b')\n"
        "from constructs_lib.runtime.iam_login import IamLogin\n"
        "IamLogin('h', 1, 'u', 'r').credentials(5)\n"
        "print([name for name in ('boto3', 'botocore', 'urllib.request', 'ssl', 'json') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
