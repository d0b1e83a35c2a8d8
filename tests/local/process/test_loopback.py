"""Addresses for databases and proxies: one each where the machine has many, and a way out where it has two."""

import ipaddress
import socket

import pytest

from constructs_lib.local.extension.process import loopback


def test_a_database_has_an_address_of_its_own_at_its_port() -> None:
    first, port = loopback.place_database(5432)
    if first == "::1":
        pytest.skip("this machine has no more than 127.0.0.1")
    assert port == 5432
    assert ipaddress.ip_address(first).is_loopback
    assert len({loopback.place_database(5432)[0] for _ in range(10)}) == 10


def test_an_address_whose_port_is_taken_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        offered = iter(["127.0.0.1", "127.0.0.1", "127.0.0.2"])
        monkeypatch.setattr(loopback, "_random_address", lambda: next(offered))
        try:
            assert loopback.place_database(port) == ("127.0.0.2", port)
        except StopIteration:
            pytest.skip("this machine has no more than 127.0.0.1")


@pytest.mark.parametrize("taken", [False, True], ids=["free", "taken"])
def test_where_there_is_one_address_the_proxy_has_it_and_the_database_its_port_elsewhere(
    monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    wanted = 5432
    monkeypatch.setattr(
        loopback,
        "_is_free",
        lambda address, port: address in ("::1", "127.0.0.1") and not (taken and port == wanted),
    )
    address, port = loopback.place_database(wanted)
    assert address == "::1"
    assert (port == wanted) is not taken
    assert loopback.place_proxy() == "127.0.0.1"
    if taken:
        with socket.socket() as proxy:
            proxy.bind(("127.0.0.1", port))  # the port that templates hand on with the proxy's address
