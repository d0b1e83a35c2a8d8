"""Stands between a driver and its server: keeps what the driver sends, and cuts the line at a chosen moment."""

import contextlib
import re
import select
import socket
import struct
import threading
from types import TracebackType
from typing import Literal, Self


class Relay:
    """A TCP relay on a loopback port.

    `cut` decides what becomes of the next COMMIT: `before`, it never reaches the server; `after`, the server's
    answer to it never reaches the driver; `forged`, the driver gets `answer` instead. Or what becomes of the next
    thing that the driver sends and that `at` is found in: `reset`, the line is reset; `silent`, it is taken and goes
    nowhere, and the line stays open.
    """

    def __init__(self, address: str, port: int, *, committed: bytes) -> None:
        self._target = (address, port)
        self._committed = committed
        """What the server's answer to COMMIT has in it."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.address = "127.0.0.1"
        self.port = int(self._listener.getsockname()[1])
        self.sent: list[bytes] = []
        """What each connection's driver has sent."""
        self.cut: Literal["before", "after", "forged", "reset", "silent"] | None = None
        self.at = b""
        self.answer = b""
        self.was_cut = threading.Event()
        self.hang_up = 0
        """How many of the next connections are closed as soon as they are opened."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.hang_up:
                    self.hang_up -= 1
                    client.close()
                    continue
                self.sent.append(b"")
                threading.Thread(target=self._relay, args=(client, len(self.sent) - 1), daemon=True).start()

    def _relay(self, client: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self._target) as server:
            waiting = ""
            while True:
                readable, _, _ = select.select([client, server], [], [])
                if client in readable:
                    data = client.recv(65536)
                    self.sent[number] += data
                    if self._is_to_be_cut(data):
                        when, self.cut = self.cut, None
                        self.was_cut.set()
                        if when == "silent":
                            self._over.wait()
                        if when == "reset":
                            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        if when not in ("after", "forged"):
                            return
                        waiting = when
                    server.sendall(data)
                    if not data:
                        return
                if server in readable:
                    data = server.recv(65536)
                    if data and waiting == "forged" and self._committed in data:
                        waiting, data = "", self.answer
                    if not data or (waiting and self._committed in data):
                        return
                    client.sendall(data)

    def _is_to_be_cut(self, data: bytes) -> bool:
        if self.cut in ("reset", "silent"):
            return bool(data) and self.at in data
        return bool(self.cut and re.search(rb"(?<!auto)commit", data.lower()))
