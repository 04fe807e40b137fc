"""The tables of the settings: what keys there are, what they take and their defaults."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from colorchanger_bot import values
from colorchanger_bot.color import Plan, problems
from colorchanger_bot.complaints import complaints
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.sources import Found, Key
from colorchanger_bot.values import Lower, Upper

COLOR: Key = ("color",)


class Section(BaseModel):
    """A table of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AppSettings(Section):
    """The Twitch application."""

    client_id: values.ClientId = ""
    client_secret: values.ClientSecret = SecretStr("")


class ColorSettings(Section):
    """When an account changes its colour, and to what; of those of one account only the keys that were set count."""

    enabled: values.Switch = True
    strategy: values.StrategyName = "random"
    delay: values.Delay = (1.0, 3.0)
    cooldown: values.Seconds = 0.0
    theme: Annotated[Literal["both", "dark", "light", "any"], Lower] = "both"
    min_contrast: values.Contrast = 3.0
    min_step: values.Distance = 0.15
    hex: Annotated[Literal["auto", "always", "never"], Lower] = "auto"
    restore: values.Switch = True
    colors: values.Colors = ()
    base: values.MaybeColor = None
    step: values.MaybeDegrees = None
    reverse: values.Switch = False
    start: values.MaybeDegrees = None
    order: Annotated[Literal["sequence", "shuffle"], Lower] = "sequence"
    steps: values.MaybeCount = None
    period: Annotated[Literal["day", "clock"], Lower] = "day"

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

    def merged(self, own: ColorSettings) -> ColorSettings:
        """Return these settings with the keys that were set in `own`; without any, these themselves."""
        if not own.model_fields_set:
            return self
        return self.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})

    def override(self, own: Mapping[str, Any]) -> ColorSettings:
        """Return these settings with other values for some keys.

        Raises:
            ConfigError: a key or value is wrong, or they do not fit together.
        """
        if not own:
            return self
        found = Found({"color": dict(own)})
        try:
            settings = self.merged(ColorSettings.model_validate(dict(own)))
        except ValidationError as error:
            raise ConfigError([*complaints(error, ColorSettings, found, COLOR)]) from None
        if wrong := [*settings.misfits(found, COLOR)]:
            raise ConfigError(wrong)
        return settings

    def misfits(self, found: Found, table: Key, known: Collection[str] = ()) -> Iterator[str]:
        """Yield a line for what does not fit together; `table` is where these settings stand, `known` said before."""
        for problem in problems(self.plan()):
            key, _, what = problem.partition(": ")
            if problem not in known:
                yield f"{found.where((*table, key))}: {what}"


_NO_COLORS = ColorSettings()


class Account(Section):
    """A Twitch account. Its tokens and application come from the environment only; most are in the store instead."""

    login: values.Login = ""
    """Empty when only a token was given: whoever validates it learns the login (`Settings.with_login`)."""
    channels: values.Channels = ()
    """Empty: its own channel."""
    follow_live: values.Switch = False
    """Also the channels that it follows, while they are live (scope user:read:follows)."""
    # One for all accounts without keys of their own, which Pydantic would copy for each; it cannot be changed.
    color: ColorSettings = Field(default_factory=lambda: _NO_COLORS)
    access_token: values.Token = SecretStr("")
    refresh_token: values.Token = SecretStr("")
    client_id: values.ClientId = ""
    client_secret: values.ClientSecret = SecretStr("")


class CommandSettings(Section):
    """The chat command."""

    enabled: values.Switch = True
    prefix: values.Prefix = "!"
    name: values.Word = "color"
    aliases: values.Words = ("colour",)
    owner: values.Login = ""
    allow: values.Allowed = ("self",)
    reply: Annotated[Literal["own-channel", "always", "never"], Lower] = "own-channel"

    def misfits(self) -> Iterator[str]:
        """Yield what does not fit together."""
        if "owner" in self.allow and not self.owner:
            yield 'commands.owner is missing: commands.allow names the owner; write owner = "thelogin" below [commands]'

    @property
    def names(self) -> tuple[str, ...]:
        """The name of the command, then its other names, each once."""
        return tuple(dict.fromkeys((self.name, *self.aliases)))


class CogSettings(Section):
    """TwitchIO modules of the user's own."""

    load: values.Modules = ()


class StorageSettings(Section):
    """Where logins and colours are kept."""

    url: values.Database = ""
    key: values.StorageKeys = SecretStr("")

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys for tokens at rest: the first one writes, all of them read; none: plain."""
        return tuple(self.key.get_secret_value().split(",")) if self.key.get_secret_value() else ()


class WebSettings(Section):
    """The dashboard."""

    enabled: values.Switch = False
    host: values.Host = "127.0.0.1"
    port: values.Port = 4343
    password: values.Password = SecretStr("")
    names: values.Hosts = ()

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked for a password."""
        return not self.password.get_secret_value()

    def misfits(self) -> Iterator[str]:
        """Yield what does not fit together."""
        if self.enabled and self.is_open and not values.is_loopback(self.host):
            yield f'web.password is empty, and web.host = "{self.host}" lets others in: set web.password'


class LogSettings(Section):
    """The log."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Upper] = "INFO"
    format: Annotated[Literal["pretty", "json"], Lower] = "pretty"
    file: values.FilePath = ""


class TwitchSettings(Section):
    """Where Twitch is; other addresses are for the local Twitch and for proxies."""

    api_url: values.HttpAddress = "https://api.twitch.tv/helix"
    id_url: values.HttpAddress = "https://id.twitch.tv"
    eventsub_url: values.SocketAddress = "wss://eventsub.wss.twitch.tv/ws"
