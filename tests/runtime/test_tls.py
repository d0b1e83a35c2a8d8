"""The certificate is verified, its host too, and there is no way around it."""

import base64
import hashlib
import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import botocore
import psycopg
import pytest
import trustme

from benchmarks.database.debian import Program
from benchmarks.database.held_process import unprivileged_user
from benchmarks.database.mariadb_server import MariaDBServer
from constructs_lib.local.extension.postgres.server import PostgresServer
from constructs_lib.runtime.database import _AMAZON, Database
from constructs_lib.runtime.secret_login import SecretLogin
from tests.runtime.conftest import DRIVERS
from tests.runtime.relay import Relay
from tests.runtime.server import PASSWORD, Secret, Server
from tests.runtime.tls_front import TlsFront

# As published on https://www.amazontrust.com/repository/
AMAZON = {
    "Amazon Root CA 1": "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
    "Amazon Root CA 2": "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
    "Amazon Root CA 3": "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
    "Amazon Root CA 4": "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
    "Starfield Services Root Certificate Authority - G2": (
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5"
    ),
}


@dataclass
class Secure:
    """A server whose certificate is for `localhost` alone, and the authority that issued it."""

    driver: Any
    port: int
    folder: Path

    def database(self, host: str = "localhost", **more: Any) -> Database:
        arguments: dict[str, Any] = {
            "ca_file": str(self.folder / "ca.pem"),
            "give_up_after_seconds": 5,
        } | more
        login = SecretLogin("app", fetch=Secret().fetch)
        arguments.setdefault("port", self.port)
        return Database(self.driver, host=host, name="app", login=login, **arguments)


def issue(folder: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    stranger.cert_pem.write_to_path(str(folder / "stranger.pem"))
    certificate = authority.issue_cert("localhost")
    key = folder / "key.pem"
    certificate.private_key_pem.write_to_path(str(key))
    # A server takes a key that is its own user's alone.
    key.chmod(0o600)
    if user := unprivileged_user():
        os.chown(key, user.pw_uid, user.pw_gid)
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(str(folder / "certificate.pem"), append=number > 0)


@pytest.fixture
def secure_postgres(postgres_with_app: PostgresServer, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    issue(tmp_path)
    Server(psycopg, postgres_with_app).set_password(PASSWORD)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    with TlsFront(context, (postgres_with_app.address, postgres_with_app.port)) as front:
        yield front.port, tmp_path


@pytest.fixture(scope="module")
def secure_mysql(mariadbd: Program) -> Iterator[tuple[int, Path]]:
    with tempfile.TemporaryDirectory(prefix="my-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        issue(folder)
        settings = {"ssl-cert": str(folder / "certificate.pem"), "ssl-key": str(folder / "key.pem")}
        with MariaDBServer(folder / "server", program=mariadbd, database="app", settings=settings) as server:
            server.run(f"CREATE USER app IDENTIFIED BY '{PASSWORD}'", "GRANT ALL ON app.* TO app")
            yield server.port, folder


@pytest.fixture(params=DRIVERS)
def secure(request: pytest.FixtureRequest) -> Secure:
    server = "secure_mysql" if request.param == "pymysql" else "secure_postgres"
    return Secure(import_module(request.param), *request.getfixturevalue(server))


def encrypted(connection: Any) -> bool:
    cursor = connection.cursor()
    if type(connection).__module__.startswith("pymysql"):
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        return bool(cursor.fetchone()[1])
    cursor.execute("SELECT 1")  # through the front, which lets nothing pass that is not encrypted
    return bool(cursor.fetchone()[0])


def test_right_authority_and_host(secure: Secure) -> None:
    database = secure.database()
    assert database.run(encrypted)
    database.close()


def test_authority_of_the_environment(secure: Secure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSTRUCTS_LIB_CA_FILE", str(secure.folder / "ca.pem"))
    database = secure.database(ca_file=None)
    assert database.run(encrypted)
    database.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"ca_file": None},  # Amazon's
        {"ca_file": "stranger.pem"},
        {"host": "127.0.0.1"},
    ],
)
def test_wrong_authority_or_host_is_refused_at_once(secure: Secure, wrong: dict[str, Any]) -> None:
    if wrong.get("ca_file"):
        wrong = {"ca_file": str(secure.folder / wrong["ca_file"])}
    with pytest.raises((secure.driver.Error, ssl.SSLError), match="certificate") as caught:
        secure.database(**wrong).run(encrypted)
    assert not hasattr(caught.value, "__notes__")  # no second try


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # pg8000 leaves the socket to gc
def test_a_server_that_hangs_up_before_tls_is_tried_again(secure: Secure) -> None:
    """pg8000 takes that for a server without TLS."""
    with Relay("127.0.0.1", secure.port, committed=b"") as relay:
        relay.hang_up = 3
        database = secure.database(port=relay.port)
        assert database.run(encrypted)
        database.close()
        assert relay.hang_up == 0


def test_server_without_tls_is_refused(server: Any) -> None:
    """Somebody in between may take TLS out of what the server offers: the password must not go out."""
    with server.relay() as relay:
        database = server.database(relay=relay, tls=True, give_up_after_seconds=0.5)
        with pytest.raises(server.driver.Error, match="SSL"):
            database.run(server.session)
        assert all(PASSWORD.encode() not in sent for sent in relay.sent)
        assert all(b"app" not in sent for sent in relay.sent)


# --- Amazon's authorities --------------------------------------------------------------------------------


def fingerprints(text: str) -> dict[str, str]:
    found = re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", text, re.DOTALL)
    certificates = [base64.b64decode(body) for body in found]
    return {hashlib.sha256(der).hexdigest(): "" for der in certificates}


def test_authorities_are_the_published_ones() -> None:
    text = Path(_AMAZON).read_text()
    assert list(fingerprints(text)) == list(AMAZON.values())
    assert re.findall(r"^# (.+)$", text, re.MULTILINE) == list(AMAZON)


def test_authorities_are_the_ones_that_mozilla_trusts() -> None:
    """Should Mozilla drop one, or Amazon add one, this is where it shows: botocore carries Mozilla's list."""
    bundle = (Path(botocore.__file__).parent / "cacert.pem").read_text()
    assert set(fingerprints(Path(_AMAZON).read_text())) <= set(fingerprints(bundle))
    labels = re.findall(r'^# Label: "(Amazon .+|Starfield Services .+)"$', bundle, re.MULTILINE)
    assert sorted(labels) == sorted(AMAZON)


def test_authorities_are_good_for_years() -> None:
    context = ssl.create_default_context(cafile=_AMAZON)
    assert len(context.get_ca_certs()) == len(AMAZON)
    for certificate in context.get_ca_certs():
        assert ssl.cert_time_to_seconds(str(certificate["notAfter"])) > 2_100_000_000  # July 2036
