"""The types of keys that hold an address: of Twitch, of this machine, of a database."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainSerializer

from colorchanger_bot.redaction import MARK
from colorchanger_bot.settings.types import BACKSLASH, SET, Takes, no_switch, refuse, text


def _address(*schemes: str) -> BeforeValidator:
    def read(value: object) -> str:
        address = text(value)
        try:
            parts = urlsplit(address)
            usable = parts.scheme in schemes and parts.hostname and "@" not in parts.netloc and parts.port != 0
        except ValueError:  # a port that is not a number
            usable = False
        if not usable or re.search(r"[^!-~]", address):
            refuse(f"write an address that begins with {schemes[0]}:// or {schemes[1]}://")
        return address.rstrip("/")

    return BeforeValidator(read)


def _host(value: object) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.:-]+", text(value)):
        refuse("write the address or name of a machine, without http:// and port")
    return text(value).lower()


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_SQLITE = re.compile(r"sqlite(\+(aiosqlite|pysqlite))?://(/[^?]*)?", re.IGNORECASE)
_POSTGRES = re.compile(r"postgresql(\+(asyncpg|psycopg))?://.+", re.IGNORECASE)
_PASSWORDS = re.compile(r"(?<=://)([^\s/:@?]*:)(.+)(?=@)|([?&](?:password|pwd|pass)=)([^&]+)", re.IGNORECASE)
"""A password in the address of a database: before the last @, or an option."""


def _database(value: object) -> str:
    address = text(value).strip()
    if re.search(r"[\x00-\x1f]", address):
        refuse(BACKSLASH)
    if not address or _SQLITE.fullmatch(address) or _POSTGRES.fullmatch(address):
        return address
    scheme = found[1] if (found := re.match(r"([a-z][\w+.-]{0,19})://", address, re.IGNORECASE)) else ""
    if scheme.lower().startswith("sqlite"):
        refuse("write sqlite:///path, or sqlite:////path from the root, and no options behind it")
    kind = f"{scheme} is not supported; " if scheme else ""
    return refuse(f'{kind}write sqlite:///path, or postgresql://user@machine/database, or "" for the usual place')


def without_password(url: str) -> str:
    """Return the address of a database with `***` for its passwords."""
    return _PASSWORDS.sub(lambda found: f"{found[1] or found[3]}{MARK}", url)


def passwords(url: str) -> list[str]:
    """Return the passwords in the address of a database."""
    return [found[2] or found[4] for found in _PASSWORDS.finditer(url)]


_Host = Annotated[str, BeforeValidator(_host)]
Port = Annotated[int, Field(ge=0, le=65535), BeforeValidator(no_switch), Takes("a port from 0 to 65535, such as 4344")]
Host = Annotated[_Host, Takes('an address in quotes, such as "127.0.0.1"')]
Hosts = Annotated[tuple[_Host, ...], *SET, Takes('a list of names such as ["colors.example.org"]')]
HttpAddress = Annotated[str, _address("https", "http"), Takes("an address in quotes")]
SocketAddress = Annotated[str, _address("wss", "ws"), Takes("an address in quotes")]
Database = Annotated[
    str,
    BeforeValidator(_database),
    PlainSerializer(without_password),
    Takes("the address of a database in quotes", is_secret=True),
]
