"""TLS before a PostgreSQL server, for a build of it that has none: whoever connects without TLS is not let through."""

import contextlib
import socket
import ssl
import struct
import threading
from types import TracebackType
from typing import Final, Self

from constructs_lib.local.extension.postgres.wire import SSL_REQUEST


class TlsFront:
    """A loopback port that takes sessions over TLS and hands their bytes on to a server.

    Args:
        context: The certificate to show.
        target: The address and port of the server.
    """

    def __init__(self, context: ssl.SSLContext, target: tuple[str, int]) -> None:
        self._context = context
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: Final = int(self._listener.getsockname()[1])

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
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:
            if plain.recv(8, socket.MSG_WAITALL) != struct.pack("!II", 8, SSL_REQUEST):
                return
            plain.sendall(b"S")
            with (
                self._context.wrap_socket(plain, server_side=True) as client,
                socket.create_connection(self._target) as server,
            ):
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
