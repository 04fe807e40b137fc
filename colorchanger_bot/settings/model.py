"""The tables of the settings: what keys there are, what they take and their defaults."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from colorchanger_bot.color import Plan, problems
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import Secret
from colorchanger_bot.settings import types as values
from colorchanger_bot.settings.problems import Section, read
from colorchanger_bot.settings.sources import Found, Key

COLOR: Key = ("color",)


@dataclass(frozen=True, slots=True)
class AppSettings(Section):
    """The Twitch application."""

    client_id: values.ClientId = ""
    client_secret: values.ClientSecret = Secret()


@dataclass(frozen=True, slots=True)
class ColorSettings(Section):
    """When an account changes its colour, and to what; of those of one account only the keys that were set count."""

    enabled: values.Switch = True
    strategy: values.StrategyName = "random"
    delay: values.Delay = (1.0, 3.0)
    cooldown: values.Seconds = 0.0
    theme: values.Theme = "both"
    min_contrast: values.Contrast = 3.0
    min_step: values.Distance = 0.15
    hex: values.UseOfHex = "auto"
    restore: values.Switch = True
    colors: values.Colors = ()
    base: values.MaybeColor = None
    step: values.MaybeDegrees = None
    reverse: values.Switch = False
    start: values.MaybeDegrees = None
    order: values.Order = "sequence"
    steps: values.MaybeCount = None
    period: values.Period = "day"
    given: frozenset[str] = field(default=frozenset(), repr=False, compare=False)
    """The keys that were set; if it is not said, those that differ from the defaults."""

    def __post_init__(self) -> None:
        """Find out what was set, for settings that were made in code."""
        if not self.given:
            keys = (each for each in fields(self) if each.name != "given")
            differ = frozenset(each.name for each in keys if getattr(self, each.name) != each.default)
            object.__setattr__(self, "given", differ)

    @classmethod
    def with_keys(cls, values: Mapping[str, Any]) -> Self:
        """Return colour settings that remember which keys were set."""
        return cls(**values, given=frozenset(values))

    def plan(self) -> Plan:
        """Return what the colour engine builds a strategy from."""
        return Plan(
            strategy=self.strategy,
            theme=self.theme,
            min_contrast=self.min_contrast,
            min_step=self.min_step,
            colors=self.colors,
            base=self.base,
            step=self.step,
            reverse=self.reverse,
            start=self.start,
            order=self.order,
            steps=self.steps,
            period=self.period,
        )

    def merged(self, own: "ColorSettings") -> "ColorSettings":
        """Return these settings with the keys that were set in `own`; without any, these themselves."""
        if not own.given:
            return self
        return replace(self, **{name: getattr(own, name) for name in own.given}, given=self.given | own.given)

    def override(self, own: Mapping[str, Any]) -> "ColorSettings":
        """Return these settings with other values for some keys.

        Raises:
            ConfigError: a key or value is wrong, or they do not fit together.
        """
        if not own:
            return self
        found, wrong = Found({"color": dict(own)}), list[str]()
        settings = self.merged(read(ColorSettings, found.tree["color"], found, wrong, COLOR))
        if wrong := wrong or [*settings.misfits(found, COLOR)]:
            raise ConfigError(wrong)
        return settings

    def misfits(self, found: Found, table: Key, known: Collection[str] = ()) -> Iterator[str]:
        """Yield a line for what does not fit together; `table` is where these settings stand, `known` said before."""
        for problem in problems(self.plan()):
            key, _, what = problem.partition(": ")
            if problem not in known:
                yield f"{found.where((*table, key))}: {what}"


@dataclass(frozen=True, slots=True)
class Account(Section):
    """A Twitch account. Its tokens and application come from the environment only; most are in the store instead."""

    login: values.Login = ""
    """Empty when only a token was given: whoever validates it learns the login (`Settings.with_login`)."""
    channels: values.Channels = ()
    """Empty: its own channel."""
    follow_live: values.Switch = False
    """Also the channels that it follows, while they are live (scope user:read:follows)."""
    color: ColorSettings = ColorSettings()
    access_token: values.Token = Secret()
    refresh_token: values.Token = Secret()
    client_id: values.ClientId = ""
    client_secret: values.ClientSecret = Secret()

    def completed_by(self, other: "Account") -> "Account":
        """Return this account with what the other one has, but with its own login."""
        empty = Account()
        own = {each.name: getattr(other, each.name) for each in fields(other)}
        more = {
            name: value
            for name, value in own.items()
            if name not in ("login", "color") and value != getattr(empty, name)
        }
        return replace(self, **more, color=self.color.merged(other.color))


@dataclass(frozen=True, slots=True)
class CommandSettings(Section):
    """The chat command."""

    enabled: values.Switch = True
    prefix: values.Prefix = "!"
    name: values.Word = "color"
    aliases: values.Words = ("colour",)
    owner: values.Login = ""
    allow: values.Allowed = ("self",)
    reply: values.Reply = "own-channel"

    def misfits(self) -> Iterator[str]:
        """Yield what does not fit together."""
        if "owner" in self.allow and not self.owner:
            yield 'commands.owner is missing: commands.allow names the owner; write owner = "thelogin" below [commands]'

    @property
    def names(self) -> tuple[str, ...]:
        """The name of the command, then its other names, each once."""
        return tuple(dict.fromkeys((self.name, *self.aliases)))


@dataclass(frozen=True, slots=True)
class CogSettings(Section):
    """TwitchIO modules of the user's own."""

    load: values.Modules = ()


@dataclass(frozen=True, slots=True)
class StorageSettings(Section):
    """Where logins and colours are kept."""

    url: values.Database = field(default="", repr=False)
    key: values.StorageKeys = Secret()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys for tokens at rest: the first one writes, all of them read; none: plain."""
        return tuple(self.key.reveal().split(",")) if self.key.reveal() else ()


@dataclass(frozen=True, slots=True)
class WebSettings(Section):
    """The dashboard."""

    enabled: values.Switch = False
    host: values.Host = "127.0.0.1"
    port: values.Port = 4343
    password: values.Password = Secret()
    names: values.Hosts = ()

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked for a password."""
        return not self.password.reveal()

    def misfits(self) -> Iterator[str]:
        """Yield what does not fit together."""
        if self.enabled and self.is_open and not values.is_loopback(self.host):
            yield f'web.password is empty, and web.host = "{self.host}" lets others in: set web.password'


@dataclass(frozen=True, slots=True)
class LogSettings(Section):
    """The log."""

    level: values.LogLevel = "INFO"
    format: values.LogFormat = "pretty"
    file: values.FilePath = ""


@dataclass(frozen=True, slots=True)
class TwitchSettings(Section):
    """Where Twitch is; other addresses are for the local Twitch and for proxies."""

    api_url: values.HttpAddress = "https://api.twitch.tv/helix"
    id_url: values.HttpAddress = "https://id.twitch.tv"
    eventsub_url: values.SocketAddress = "wss://eventsub.wss.twitch.tv/ws"
