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
    answer to it never reaches the driver. Or `reset`: the line is reset at whatever the driver sends next.
    """

    def __init__(self, address: str, port: int, *, committed: bytes) -> None:
        self._target = (address, port)
        self._committed = committed
        """What the server's answer to COMMIT has in it."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1"
        self.port = int(self._listener.getsockname()[1])
        self.sent: list[bytes] = []
        """What each connection's driver has sent."""
        self.cut: Literal["before", "after", "reset"] | None = None

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.sent.append(b"")
                threading.Thread(target=self._relay, args=(client, len(self.sent) - 1), daemon=True).start()

    def _relay(self, client: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self._target) as server:
            waiting = False
            while True:
                readable, _, _ = select.select([client, server], [], [])
                if client in readable:
                    data = client.recv(65536)
                    self.sent[number] += data
                    if self.cut == "reset" or (self.cut and re.search(rb"(?<!auto)commit", data.lower())):
                        when, self.cut = self.cut, None
                        if when == "reset":
                            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        if when != "after":
                            return
                        waiting = True
                    server.sendall(data)
                    if not data:
                        return
                if server in readable:
                    data = server.recv(65536)
                    if not data or (waiting and self._committed in data):
                        return
                    client.sendall(data)
