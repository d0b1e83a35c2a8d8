"""Addresses on this machine that stand for hosts: each database and each proxy has one of its own.

The whole of 127.0.0.0/8 is loopback on Linux. Where only 127.0.0.1 can be bound (macOS), a database is at ::1 and its
proxy at 127.0.0.1.
"""

import contextlib
import random
import socket

_ONLY = "127.0.0.1"
_OTHER = "::1"
_TRIES = 50


def place_database(port: int) -> tuple[str, int]:
    """Choose an address for a database.

    Args:
        port: Where it wants to listen.

    Returns:
        An address that nobody else has, and the port; maybe another port where there are no such addresses.
    """
    for _ in range(_TRIES):
        address = _random_address()
        if _is_free(address, port):
            return address, port
    for candidate in (port, *(_unused_port() for _ in range(_TRIES))):
        if _is_free(_OTHER, candidate) and _is_free(_ONLY, candidate):
            return _OTHER, candidate
    raise OSError(f"no loopback address has port {port} free")


def place_proxy() -> str:
    """Choose an address for an endpoint of a proxy, whose port is not known yet."""
    address = _random_address()
    return address if _is_free(address, 0) else _ONLY


def _random_address() -> str:
    # Not 127.0.x.y and 127.1.x.y, where other programs like to be.
    return f"127.{random.randint(2, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"  # noqa: S311


def _is_free(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        return True
    return False


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind((_ONLY, 0))
        return int(probe.getsockname()[1])
