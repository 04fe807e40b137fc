"""The kinds of values that settings take: how each is read, and what is said when it cannot be."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from colorchanger_bot.color import STRATEGIES, Color
from colorchanger_bot.errors import UnknownColor
from colorchanger_bot.redaction import MARK, Secret
from colorchanger_bot.settings.kinds import (
    BadValue,
    Flaw,
    Kind,
    Reader,
    did_you_mean,
    items,
    list_of,
    maybe,
    nearest,
    number,
    number_from,
    one_of,
    refuse,
    set_of,
    switch,
    text,
    whole_from,
)
from colorchanger_bot.vault import is_key

_NAME = re.compile(r"[a-z0-9_]{1,25}")
_PLACEHOLDER = re.compile(
    r"your(_.*|\w{0,12}here|token|clientid|clientsecret)?|.*_here|(insert|enter|paste|put|add)_.*|(change|replace)_?me"
    r"|x{3,}|\.{3,}|\*+|<.*>|\[.*\]|\{.*\}|\$.*|placeholder|example|todo|none|null"
    r"|(my_)?(access_|refresh_|oauth_)?token|(my_)?(client_)?(id|secret)"
)
_LOGIN_PLACEHOLDERS = {
    "yourname",
    "your_name",
    "your_login",
    "your_username",
    "your_twitch_username",
    "your_twitch_login",
}


def _delay(value: object) -> tuple[float, float]:
    both = [value] if isinstance(value, int | float) else items(value)
    if len(both) == 1:
        both *= 2
    if len(both) != 2:
        refuse(value)
    low, high = list_of(_seconds)(both)
    if low > high:
        refuse(value, f"the first number is larger than the second; write [{high}, {low}]")
    return low, high


def _login(value: object) -> str:
    name = text(value).strip().lower()
    if name in _LOGIN_PLACEHOLDERS:
        raise BadValue(Flaw(value, "put the name of your Twitch account there", is_placeholder=True))
    if name and not _NAME.fullmatch(name):
        refuse(value, "write a Twitch name: letters from a to z, digits and _, at most 25")
    return name


def _channel(value: object) -> str:
    return _login(text(value).strip().removeprefix("#")) or refuse(
        value, "write the name of a channel, or take it out of the list"
    )


def _color(value: object) -> Color:
    if isinstance(value, Color):
        return value
    if not isinstance(value, str):
        refuse(value, 'write a colour in quotes, such as "blue_violet" or "#8a2be2"')
    try:
        return Color.parse(value)
    except UnknownColor as error:
        cure = did_you_mean(error.suggestion or "") or 'write a name or "#rrggbb"'
        refuse(value, f"this is no colour I know: {cure}")


def _color_or_none(value: object) -> Color | None:
    return None if value in (None, "") else _color(value)


def _strategy(value: object) -> str:
    name = text(value).strip().lower()
    if name not in STRATEGIES:
        refuse(value, did_you_mean(nearest(name, STRATEGIES)) or f"write one of {', '.join(STRATEGIES)}")
    return name


def _credential(cure: str) -> Reader:
    """Return the reader of a token, id or secret; `cure` is for whoever left the text of an example there."""

    def read(value: object) -> str:
        credential = re.sub(r"^oauth:", "", text(value).strip(), flags=re.IGNORECASE)
        if _PLACEHOLDER.fullmatch(re.sub(r"[\s_-]+", "_", credential.lower())):
            raise BadValue(Flaw(value, cure, is_placeholder=True))
        if not re.fullmatch(r"[!-~]*", credential):
            refuse(value, "this has spaces or letters that Twitch does not use; copy it again")
        return credential

    return read


def _storage_keys(value: object) -> str:
    keys = [key.strip() for key in text(value).split(",") if key.strip()]
    if not all(map(is_key, keys)):
        refuse(value, "this is no key; make one with: colorchanger key new")
    return ",".join(keys)


def _address(*schemes: str) -> Reader:
    def read(value: object) -> str:
        address = text(value)
        try:
            parts = urlsplit(address)
            usable = parts.scheme in schemes and parts.hostname and "@" not in parts.netloc and parts.port != 0
        except ValueError:  # a port that is no number
            usable = False
        if not usable or re.search(r"[^!-~]", address):
            refuse(value, f"write an address that begins with {schemes[0]}:// or {schemes[1]}://")
        return address.rstrip("/")

    return read


def _host(value: object) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.:-]+", text(value)):
        refuse(value, "write the address or name of a machine, without http:// and port")
    return text(value).lower()


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _database(value: object) -> str:
    if text(value) and "://" not in text(value):
        refuse(
            value,
            'write an address such as sqlite:///colors.sqlite3 or postgresql+asyncpg://..., or "" for the usual place',
        )
    return text(value)


def _module(value: object) -> str:
    if not all(part.isidentifier() for part in text(value).split(".")):
        refuse(value, 'write the dotted name of a Python module, such as "my_bot.cogs.greeter"')
    return text(value)


def _file_path(value: object) -> str:
    return refuse(value, "write the path of a file") if "\0" in text(value) else text(value)


def _prefix(value: object) -> str:
    if not re.fullmatch(r"\S{1,25}", text(value)):
        refuse(value, "write one word, without spaces, of at most 25 characters")
    return text(value)


def _word(value: object) -> str:
    return _prefix(text(value).strip().lower())


def _secret(read: Reader) -> Reader:
    return lambda value: Secret(read(value))


def _wire(color: Color | None) -> str | None:
    return color and color.wire


def _wires(colors: tuple[Color, ...]) -> list[str]:
    return [color.wire for color in colors]


_PASSWORDS = re.compile(r"(?<=://)([^\s/:@?]*:)(.+)(?=@)|([?&](?:password|pwd|pass)=)([^&]+)", re.IGNORECASE)
"""In the address of a database: between user and machine, up to the last @, or as an option."""


def _without_password(url: str) -> str:
    return _PASSWORDS.sub(lambda found: f"{found[1] or found[3]}{MARK}", url)


def passwords(url: str) -> list[str]:
    """Return the passwords in the address of a database."""
    return [found[2] or found[4] for found in _PASSWORDS.finditer(url)]


_seconds = number_from(0, 3600)

Switch = Annotated[bool, Kind(switch, "true or false")]
Seconds = Annotated[float, Kind(_seconds, "seconds from 0 to 3600, such as 2.5")]
Delay = Annotated[tuple[float, float], Kind(_delay, "seconds from 0 to 3600: one number, or two such as [1.0, 3.0]")]
# The ranges of these depend on each other and on the strategy: `color.problems` knows them.
Contrast = Annotated[float, Kind(number, "a number such as 3.0")]
Distance = Annotated[float, Kind(number, "a number such as 0.15")]
MaybeDegrees = Annotated[float | None, Kind(maybe(number), "degrees such as 30.0")]
MaybeCount = Annotated[int | None, Kind(maybe(whole_from(0, 9999)), "a whole number such as 12")]

Colors = Annotated[
    tuple[Color, ...],
    Kind(list_of(_color), 'a list such as ["red", "#ff8800"]', show=_wires),
]
MaybeColor = Annotated[Color | None, Kind(_color_or_none, "a colour in quotes", show=_wire)]
StrategyName = Annotated[str, Kind(_strategy, 'a name in quotes, such as "random"')]
_theme = Literal["both", "dark", "light", "any"]
Theme = Annotated[_theme, one_of(get_args(_theme))]
_hex = Literal["auto", "always", "never"]
UseOfHex = Annotated[_hex, one_of(get_args(_hex))]
_order = Literal["sequence", "shuffle"]
Order = Annotated[_order, one_of(get_args(_order))]
_period = Literal["day", "clock"]
Period = Annotated[_period, one_of(get_args(_period))]

Login = Annotated[str, Kind(_login, "a Twitch name in quotes")]
Channels = Annotated[tuple[str, ...], Kind(set_of(_channel), 'a list of channels such as ["yourname", "afriend"]')]

Prefix = Annotated[str, Kind(_prefix, 'a sign or a word in quotes, such as "!"')]
Word = Annotated[str, Kind(_word, 'a word in quotes, such as "color"')]
Words = Annotated[tuple[str, ...], Kind(set_of(_word), 'a list of words such as ["colour"]')]
Who = Literal["self", "owner", "broadcaster", "moderators"]
Allowed = Annotated[
    tuple[Who, ...],
    Kind(set_of(one_of(get_args(Who)).read), f'a list of {", ".join(get_args(Who))}, such as ["self", "owner"]'),
]
_reply = Literal["own-channel", "always", "never"]
Reply = Annotated[_reply, one_of(get_args(_reply))]
Modules = Annotated[tuple[str, ...], Kind(set_of(_module), 'a list of Python modules such as ["my_bot.cogs.greeter"]')]
FilePath = Annotated[str, Kind(_file_path, 'the path of a file in quotes, or "" for none')]
Host = Annotated[str, Kind(_host, 'an address in quotes, such as "127.0.0.1"')]
Hosts = Annotated[tuple[str, ...], Kind(set_of(_host), 'a list of names such as ["colors.example.org"]')]
Port = Annotated[int, Kind(whole_from(0, 65535), "a port from 0 to 65535, such as 4343")]
HttpAddress = Annotated[str, Kind(_address("https", "http"), "an address in quotes")]
SocketAddress = Annotated[str, Kind(_address("wss", "ws"), "an address in quotes")]
Database = Annotated[
    str, Kind(_database, "the address of a database in quotes", is_secret=True, show=_without_password)
]
_level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogLevel = Annotated[_level, one_of(get_args(_level), str.upper)]
_format = Literal["pretty", "json"]
LogFormat = Annotated[_format, one_of(get_args(_format))]


def _hidden(read: Reader, takes: str) -> Any:
    return Kind(_secret(read), takes, is_secret=True, show=str)


Token = Annotated[
    Secret,
    _hidden(_credential("put the real token there, or remove it and run: colorchanger login"), "a token, as text"),
]
ClientSecret = Annotated[
    Secret,
    _hidden(
        _credential("put the secret of your Twitch application there, or remove it for a public one"),
        "the client secret in quotes",
    ),
]
Password = Annotated[Secret, _hidden(text, "a password in quotes")]
StorageKeys = Annotated[Secret, _hidden(_storage_keys, "a key of: colorchanger key new")]
ClientId = Annotated[
    str,
    Kind(
        _credential("put the client id of your Twitch application there"),
        "the client id of your Twitch application in quotes",
    ),
]
