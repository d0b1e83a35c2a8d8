"""A tap on the line between a client and PostgreSQL: it passes everything on, and keeps what the client said."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from benchmarks.database.protocol import ClientStream, Message

_ONE_IN_SO_MANY: Final = 3


class WireTap:
    """Listens on a loopback port and connects each client to the server, as a context manager.

    The line is not encrypted: a client that insisted on TLS would be refused by the server itself.

    Args:
        address: Of the server.
        port: Of the server.
        lose_answers_to: Statements that begin with this: after every third of them the connection is cut, when the
            server has done it and before it can say so.
        losses: How many answers get lost, then no more.
    """

    def __init__(self, address: str, port: int, *, lose_answers_to: str = "", losses: int = 0) -> None:
        self.messages: Final[list[Message]] = []
        self._server = (address, port)
        self._lose = lose_answers_to
        self._losses_left = losses
        self._seen = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: Final = "127.0.0.1"
        self.port: Final = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        """Begin to listen."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more; open lines end with their clients."""
        # The accept in the other thread would keep a socket alive that is only closed.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def losses_left(self) -> int:
        """How many answers are still to be lost."""
        return self._losses_left

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._listen, args=(client, server), daemon=True).start()
                threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()

    def _listen(self, client: socket.socket, server: socket.socket) -> None:
        stream = ClientStream()
        with client, server, _hung_up(client, server), contextlib.suppress(OSError):
            while data := client.recv(65536):
                messages = list(stream.feed(data))
                with self._lock:
                    self.messages.extend(messages)
                if self._is_to_be_lost(messages):
                    client.shutdown(socket.SHUT_RDWR)
                    server.sendall(data)
                    # Until the server has done it and closes: so the statement surely took effect.
                    server.shutdown(socket.SHUT_WR)
                    while server.recv(65536):
                        pass
                    return
                server.sendall(data)

    def _is_to_be_lost(self, messages: list[Message]) -> bool:
        if not self._lose or not any(m.sql.upper().startswith(self._lose) for m in messages):
            return False
        with self._lock:
            self._seen += 1
            lost = self._losses_left > 0 and self._seen % _ONE_IN_SO_MANY == 0
            self._losses_left -= lost
        return lost


@contextlib.contextmanager
def _hung_up(*ends: socket.socket) -> Iterator[None]:
    """Wake whoever still reads from one of them: closing alone does not."""
    yield
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _pass_on(server: socket.socket, client: socket.socket) -> None:
    # A server that was killed may end with a reset: the client has to be told all the same.
    with _hung_up(client), contextlib.suppress(OSError):
        while data := server.recv(65536):
            client.sendall(data)
