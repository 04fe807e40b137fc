"""Networks that misbehave, on loopback: a NAT that forgets, a forward proxy, certificates of an own authority."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "twitch.invalid"
"""A name that only the forward proxy knows."""
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Nat:
    """Passes bytes on to a port, until it forgets all connections there are: what they send then goes nowhere."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.opened = 0
        self._target = target
        self._generation = 0

    def forget(self) -> None:
        """Forget every open connection, without a word to either end."""
        self._generation += 1

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        born = self._generation
        there = await asyncio.open_connection("127.0.0.1", self._target)
        await _join((reader, writer), there, lambda: born == self._generation)


class ForwardProxy:
    """An HTTP proxy that knows CONNECT and nothing else, and leads every name to this machine."""

    def __init__(self, *, answer: str = "") -> None:
        self.port = 0
        self.asked: list[str] = []
        """The method and target of each request."""
        self._answer = answer

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split(" ", 2)
        self.asked.append(f"{method} {target}")
        if self._answer or method != "CONNECT":
            writer.write(f"HTTP/1.1 {self._answer or '405 Method Not Allowed'}\r\nContent-Length: 0\r\n\r\n".encode())
            await _end(writer)
            return
        there = await asyncio.open_connection("127.0.0.1", int(target.rpartition(":")[2]))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await _join((reader, writer), there)


@asynccontextmanager
async def served(door: Nat | ForwardProxy) -> AsyncGenerator[None]:
    """Let the NAT or proxy listen on a port of its own."""
    async with _listening(door.connect) as port:
        door.port = port
        yield


@asynccontextmanager
async def tls(target: int, context: ssl.SSLContext) -> AsyncGenerator[int]:
    """Put TLS in front of a port; return the port that speaks it."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _join((reader, writer), await asyncio.open_connection("127.0.0.1", target))

    async with _listening(connect, context) as port:
        yield port


@asynccontextmanager
async def _listening(
    connect: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    context: ssl.SSLContext | None = None,
) -> AsyncGenerator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await connect(reader, writer)
        tasks.discard(task)
        writer.transport.abort()

    server = await asyncio.start_server(keep, "127.0.0.1", ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _join(here: Stream, there: Stream, alive: Callable[[], bool] = lambda: True) -> None:
    passing = [
        asyncio.create_task(_pass(here[0], there[1], alive)),
        asyncio.create_task(_pass(there[0], here[1], alive)),
    ]
    try:
        await asyncio.gather(*passing)
    finally:
        for task in passing:
            task.cancel()
        there[1].transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, alive: Callable[[], bool]) -> None:
    while data := await reader.read(65_536):
        if alive():
            writer.write(data)
            await writer.drain()
    if alive():
        writer.close()


async def _end(writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    writer.close()


class Authority:
    """A certificate authority of one test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of this test")])
        self.file = folder / "authority.pem"
        made = self._certificate(self._name, self._key.public_key(), authority=True)
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def context(self, *, begins: timedelta = timedelta(days=-1), ends: timedelta = timedelta(days=1)) -> ssl.SSLContext:
        """Return the context of a server with a certificate for 127.0.0.1 and NAME, valid from and until then."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        made = self._certificate(name, key.public_key(), begins=begins, ends=ends)
        path = self._folder / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _certificate(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        authority: bool = False,
        begins: timedelta = timedelta(days=-9),
        ends: timedelta = timedelta(days=9),
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName(NAME)]),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
