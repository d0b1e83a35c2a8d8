"""The endpoint of a proxy: TLS, the login, then bytes both ways. One session of the database for each client.

What RDS Proxy is bought for is not here: no pool, no multiplexing, no pinning. Of its metrics there are the two that
this can know: how many clients have come, and how long each waited for a session of the database.
Source: https://www.postgresql.org/docs/current/protocol-flow.html
"""

import asyncio
import contextlib
import ssl
import struct
import threading
import time
from collections.abc import Coroutine
from typing import Any, Final

from ..postgres import wire
from ..postgres.server import PostgresServer
from ..process import pace
from .proxy_login import Admission, Client, LoginRefusedError, Proxy

_LONGEST_STARTUP: Final = 10_000  # PostgreSQL's own limit
_LONGEST_PASSWORD: Final = 70_000  # a token with a session's credentials has some kB
_LOGIN_SECONDS: Final = 60
_UNSUPPORTED: Final = "0A000"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ProxyEndpoint:
    """One address where a proxy listens.

    Args:
        proxy: Whose.
        address: Where.
        port: Where.
        context: What it proves itself with.
        read_only: Whether sessions are, as on a reader endpoint.
    """

    def __init__(
        self, proxy: Proxy, *, address: str, port: int, context: ssl.SSLContext, read_only: bool
    ) -> None:
        self._proxy = proxy
        self._address = address
        self._port = port
        self._context = context
        self._read_only = read_only
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Listen; clients are served when this returns."""
        self._server = _in_loop(
            asyncio.start_server(self._serve, self._address, self._port, backlog=1024, limit=2**17)
        )

    def close(self) -> None:
        """Stop listening, and end all sessions."""
        _in_loop(self._end())

    # --- inside: all of it runs in the one loop ------------------------------------------------------------

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        for session in self._sessions:
            session.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.current_task()
        assert session is not None  # noqa: S101 - this is one
        self._sessions.add(session)
        try:
            async with asyncio.timeout(_LOGIN_SECONDS * pace.slowness()):
                database = await self._log_in(reader, writer)
            if database is not None:
                await _relay((reader, writer), database)
        except LoginRefusedError as error:
            writer.write(wire.fatal(error.code, str(error)))
        except (OSError, EOFError, TimeoutError, ssl.SSLError):
            pass  # whoever is left sees the connection closed
        finally:
            self._sessions.discard(session)
            await _close(writer)

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Streams | None:
        """Everything before the first query; None if there is none to come."""
        over_tls = False
        while True:
            length, code = struct.unpack("!II", await reader.readexactly(8))
            if not 8 <= length <= _LONGEST_STARTUP:
                return None
            body = await reader.readexactly(length - 8)
            if code == wire.SSL_REQUEST and not over_tls:
                writer.write(b"S")
                await writer.start_tls(self._context)
                over_tls = True
            elif code == wire.GSSENC_REQUEST:
                writer.write(b"N")
            elif code == wire.CANCEL_REQUEST:
                await self._cancel(body)
                return None
            else:
                break
        parameters = wire.parse_startup(body)
        self._check_startup(code, parameters, over_tls=over_tls)
        user = parameters["user"]
        writer.write(wire.message(b"R", struct.pack("!I", wire.CLEARTEXT_PASSWORD)))
        kind, length = struct.unpack("!cI", await reader.readexactly(5))
        if kind != b"p" or not 5 <= length <= _LONGEST_PASSWORD:
            return None
        password = (await reader.readexactly(length - 4)).rstrip(b"\0").decode(errors="replace")
        client = Client(user, password, over_tls, self._address, self._port)
        self._proxy.measure("ClientConnectionsReceived", 1, "Count")
        admission = await asyncio.to_thread(self._proxy.admit, client)
        began = time.perf_counter()
        session = await self._open_session(parameters, admission, writer)
        borrowed = (time.perf_counter() - began) * 1_000_000
        self._proxy.measure("DatabaseConnectionsBorrowLatency", borrowed, "Microseconds")
        return session

    def _check_startup(self, version: int, parameters: dict[str, str], *, over_tls: bool) -> None:
        if self._proxy.requires_tls() and not over_tls:
            raise LoginRefusedError("28000", "This RDS Proxy requires TLS connections.")
        if version != wire.VERSION_3:
            raise LoginRefusedError(
                _UNSUPPORTED,
                "Feature not supported: RDS Proxy supports only version 3.0 of the PostgreSQL messaging protocol.",
            )
        if not parameters.get("user"):
            raise LoginRefusedError("28000", "A user name is missing from the connection startup packet.")
        for name, what in (
            ("options", "command-line options"),
            ("replication", "streaming replication mode"),
            ("default_transaction_read_only", "the option default_transaction_read_only"),
        ):
            if name in parameters:
                text = f"RDS Proxy currently doesn’t support {what}."  # noqa: RUF001 - theirs
                raise LoginRefusedError(_UNSUPPORTED, f"Feature not supported: {text}")

    async def _open_session(
        self, parameters: dict[str, str], admission: Admission, client: asyncio.StreamWriter
    ) -> Streams | None:
        """Log in to the database; what it says is the client's to hear."""
        reader, writer = await _connect(admission.database.server, over_socket=admission.password is None)
        try:
            role = {"default_transaction_read_only": "on"} if self._read_only else {}
            writer.write(wire.startup(parameters | role))
            while True:
                head = await reader.readexactly(5)
                kind, length = struct.unpack("!cI", head)
                body = await reader.readexactly(length - 4)
                asked = struct.unpack("!I", body[:4])[0] if kind == b"R" else None
                if asked == wire.CLEARTEXT_PASSWORD and admission.password is not None:
                    writer.write(wire.password(admission.password))
                    continue
                client.write(head + body)
                if asked == wire.AUTHENTICATION_OK:
                    return reader, writer
                if asked is not None or kind == b"E":
                    await _close(writer)
                    return None
        except BaseException:
            writer.transport.abort()
            raise

    async def _cancel(self, body: bytes) -> None:
        """The key is the server's own: it was handed through at the login."""
        database = self._proxy.target()
        if database is None:
            return
        _, writer = await _connect(database.server, over_socket=True)
        writer.write(wire.message(b"", struct.pack("!I", wire.CANCEL_REQUEST) + body))
        await _close(writer)


async def _connect(server: PostgresServer, *, over_socket: bool) -> Streams:
    try:
        if over_socket:
            return await asyncio.open_unix_connection(
                str(server.socket_folder / f".s.PGSQL.{server.port}"), limit=2**17
            )
        return await asyncio.open_connection(server.address, server.port, limit=2**17)
    except OSError:
        raise LoginRefusedError("08001", "Timed-out waiting to acquire database connection.") from None


async def _relay(client: Streams, database: Streams) -> None:
    """Hand bytes on until one side ends; then the other one does."""
    both = [
        asyncio.create_task(_pump(client[0], database[1])),
        asyncio.create_task(_pump(database[0], client[1])),
    ]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in both:
            pump.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        await _close(database[1])


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
        async with asyncio.timeout(5):
            await writer.wait_closed()


# --- the loop: a thread of its own, so that neither the emulator nor a session ever waits for the other --------

_lock: Final = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []


def _in_loop(work: Coroutine[Any, Any, Any]) -> Any:
    with _lock:
        if not _loops:
            _loops.append(asyncio.new_event_loop())
            threading.Thread(target=_loops[0].run_forever, daemon=True, name="proxies").start()
    return asyncio.run_coroutine_threadsafe(work, _loops[0]).result(timeout=300)
