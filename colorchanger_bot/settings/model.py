"""The tables of the settings: what keys there are, what each does, and its default. They are frozen.

A model made in code is checked like the file; pydantic raises its `ValidationError` then. `Section.of` raises a
`ConfigError` with a line for each problem instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.json_schema import SkipJsonSchema

from colorchanger_bot.color import STRATEGIES, Plan, make_readable, problems, unreadable_on, uses
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import Secret
from colorchanger_bot.settings import addresses, types
from colorchanger_bot.settings.built_in import CLIENT_ID
from colorchanger_bot.settings.problems import Conflict, lines, refuse_conflicts
from colorchanger_bot.settings.raw import Key, RawSettings

COLOR: Key = ("color",)


class Section(BaseModel):
    """A table of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Return the settings of a table with the keys of the file.

        Raises:
            ConfigError: something is wrong; it lists all that is.
        """
        try:
            return cls.model_validate(dict(table))
        except ValidationError as error:
            raise ConfigError(lines(cls, error, RawSettings(dict(table)))) from None


class AppSettings(Section):
    """Your Twitch application."""

    client_id: types.ClientId = Field(
        default=CLIENT_ID, description="The Client ID of your application at <https://dev.twitch.tv/console/apps>."
    )
    client_secret: types.ClientSecret = Field(
        default=Secret(),
        description="Its secret, if you registered it as a confidential client; a public client has none.",
    )


class ColorSettings(Section):
    """When the colour changes, and to what."""

    enabled: types.Switch = Field(default=True, description="`false` watches but changes nothing.")
    strategy: types.StrategyName = Field(
        default="random",
        description="How the next colour is chosen: `random`, `rainbow`, `palette`, `gradient`, `shades`, `presets`, "
        "`daily`, `standout` or `hold`.",
    )
    delay: types.Delay = Field(
        default=(1.0, 3.0),
        description="Seconds between a message and the change, drawn from this range; one number is both ends. At most "
        "3600. Never more than three changes in a second.",
    )
    cooldown: types.Seconds = Field(
        default=0.0, description="Minimum number of seconds between two changes. At most 3600."
    )
    theme: types.Theme = Field(
        default="both",
        description="Where generated colours are readable: on `both` themes, `dark` or `light`; `any`: not checked.",
    )
    min_contrast: types.Contrast = Field(
        default=3.0,
        description="Their minimum contrast ratio (WCAG) there, from 1 to 21. On both themes at once, 4.2 is the "
        "maximum.",
    )
    min_step: types.Distance = Field(
        default=0.15,
        description="Their minimum distance from the last colour (OKLab, 0 to 0.3): 0.02 is just noticeable.",
    )
    hex: types.UseOfHex = Field(
        default="auto",
        description="Colours without a name need Turbo or Prime. `auto` tries and falls back to names; `always`; "
        "`never`.",
    )
    restore: types.Switch = Field(
        default=True,
        description="Puts back the colour the account had before, on `!color off` and on a clean stop.",
    )
    colors: types.Colors = Field(
        default=(), description='For `palette` and `gradient`: Twitch or CSS names, or `"#rrggbb"`.'
    )
    base: types.MaybeColor = Field(default=None, description="For `shades` and `hold`: the colour.")
    step: types.MaybeDegrees = Field(default=None, description="For `rainbow`: degrees of hue per change, up to 360.")
    reverse: types.Switch = Field(default=False, description="For `rainbow`: goes round the colour wheel backwards.")
    start: types.MaybeDegrees = Field(
        default=None, description="For `rainbow` and `daily`: the hue to begin with, in degrees (OKLCH)."
    )
    order: types.Order = Field(
        default="sequence", description="For `palette`: `sequence`, or `shuffle`: each once before one comes again."
    )
    steps: types.MaybeCount = Field(
        default=None, description="For `gradient`: how many colours from one end to the other."
    )
    period: types.Period = Field(
        default="day", description="For `daily`: `day` is one colour a day, `clock` one that changes through the day."
    )

    def plan(self) -> Plan:
        """Return what the colour engine builds a strategy from."""
        return Plan(**{name: getattr(self, name) for name in Plan._fields})

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
        found = RawSettings({"color": dict(own)})
        try:
            settings = self.merged(ColorSettings.model_validate(found.tree["color"]))
        except ValidationError as error:
            raise ConfigError(lines(ColorSettings, error, found, COLOR)) from None
        if wrong := [f"{found.where(key)}{words}" for key, words in settings.conflicts(COLOR)]:
            raise ConfigError(wrong)
        return settings

    def conflicts(self, table: Key, known: Collection[str] = ()) -> Iterator[Conflict]:
        """Yield conflicts between values; `table` is the path of these settings, `known` was reported before."""
        for problem in problems(self.plan()):
            key, _, what = problem.partition(": ")
            if problem not in known:
                yield Conflict((*table, key), f": {what}")

    def idle_keys(self, used: Collection[str]) -> Iterator[str]:
        """Yield the keys of strategies that are set to something other than the default but have no effect."""
        for name in sorted({name for strategy in STRATEGIES for name in uses(strategy)} - {*used}):
            if getattr(self, name) != ColorSettings.model_fields[name].default:
                yield name

    def hard_to_read(self) -> Iterator[str]:
        """Yield a sentence for each named colour that is hard to read; it is used anyway."""
        for named in dict.fromkeys((*self.colors, *([self.base] if self.base else ()))):
            hard = unreadable_on(named, self.theme, self.min_contrast)
            if len(hard) == 0:
                continue
            where = "both themes" if len(hard) > 1 else f"the {hard[0]} theme"
            better = make_readable(named, self.theme, self.min_contrast)
            yield f"{named} is hard to read on {where}; the nearest colour that is easy to read is {better.hex}"


class Account(Section):
    """A Twitch account."""

    login: types.Login = Field(default="", description="The Twitch name of the account.")
    channels: types.Channels = Field(default=(), description="The channels where its messages count; empty: its own.")
    follow_live: types.Switch = Field(
        default=False,
        description="Also reads the channels that the account follows, while they are live, at most 90. Log in again "
        "after you turn it on: it needs one more permission.",
    )
    color: ColorSettings = Field(default=ColorSettings(), description="Any key of `[color]`, for this account alone.")
    # From the environment only; most are in the store instead.
    access_token: SkipJsonSchema[types.Token] = Secret()
    refresh_token: SkipJsonSchema[types.Token] = Secret()
    client_id: SkipJsonSchema[types.ClientId] = ""
    client_secret: SkipJsonSchema[types.ClientSecret] = Secret()

    @property
    def name(self) -> str:
        """The name of the account: its login, or its token until Twitch says whose that is."""
        return self.login or self.access_token.reveal()

    def completed_by(self, other: Account) -> Account:
        """Return this account with the values of the other one, but with its own login."""
        more = {
            name: getattr(other, name)
            for name, field in Account.model_fields.items()
            if name not in ("login", "color") and getattr(other, name) != field.default
        }
        return self.model_copy(update={**more, "color": self.color.merged(other.color)})


class CommandSettings(Section):
    """`!color` in chat."""

    enabled: types.Switch = Field(default=True, description="Whether `!color` works in chat.")
    prefix: types.Prefix = Field(default="!", description="What a command begins with.")
    name: types.Word = Field(default="color", description="The command.")
    aliases: types.Words = Field(default=("colour",), description="More names for it.")
    allow: types.Allowed = Field(
        default=("self",),
        description="Who may use it: `self` (each account for itself). `owner`, `broadcaster` and `moderators` may "
        "command the first account.",
    )
    owner: types.Login = Field(default="", description="The login that `owner` in `allow` stands for.")
    reply: types.Reply = Field(
        default="own-channel", description="Where it answers: `own-channel`, `always` or `never`."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if "owner" in self.allow and not self.owner:
            words = ' is missing: commands.allow names the owner; write owner = "thelogin" below [commands]'
            refuse_conflicts([Conflict(("owner",), words)])
        return self

    @property
    def obeys_owner(self) -> bool:
        """Whether the owner may use the command."""
        return self.enabled and bool(self.owner) and "owner" in self.allow

    @property
    def names(self) -> tuple[str, ...]:
        """The name of the command, then its other names, each once."""
        return tuple(dict.fromkeys((self.name, *self.aliases)))


class ReadingSettings(Section):
    """Who reads which chat."""

    mode: types.Reading = Field(
        default="shared",
        description="`shared`: of the accounts that want a channel, some read it for all. `own`: every account reads "
        "all its channels itself, which costs more with every account.",
    )
    readers: types.ReaderCount = Field(
        default=2, description="How many accounts read a channel, 1 to 3. With two, no message is lost when one fails."
    )
    second_socket: types.Switch = Field(
        default=False,
        description="Whether an account that is alone in a channel reads it over two connections. Then a connection "
        "that falls silent loses no message, but everything it reads comes twice.",
    )


class CogSettings(Section):
    """Your own TwitchIO modules."""

    load: types.Modules = Field(default=(), description="More modules to load, by dotted name.")


class CommunitySettings(Section):
    """A channel whose viewers may have their colours changed."""

    enabled: types.Switch = Field(
        default=False,
        description="Lets viewers join, on the page `/join` and with `!color me`; see [community](community.md). Needs "
        "`storage.key`.",
    )
    channel: types.Channel = Field(default="", description="The channel, by its Twitch name: members chat there.")
    most: types.Members = Field(default=1000, description="How many members there can be, from 1 to 100000.")
    allow: types.Logins = Field(default=(), description="Only these viewers may join; empty: everybody.")
    block: types.Logins = Field(
        default=(), description="These viewers may not join; colours of those who are members already stay as they are."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.enabled and not self.channel:
            words = ' is missing: community.enabled needs a channel; write channel = "thelogin" below [community]'
            refuse_conflicts([Conflict(("channel",), words)])
        return self

    def bar(self, login: str) -> Literal["", "blocked", "not allowed"]:
        """Return which list keeps a viewer out; empty if none does."""
        if login in self._blocked:
            return "blocked"
        return "not allowed" if self.allow and login not in self._allowed else ""

    @cached_property
    def _blocked(self) -> frozenset[str]:
        return frozenset(self.block)

    @cached_property
    def _allowed(self) -> frozenset[str]:
        return frozenset(self.allow)


class StorageSettings(Section):
    """Logins and colours."""

    url: addresses.Database = Field(
        default="",
        repr=False,
        description="`sqlite:///path` for another file, or `postgresql://user@machine/database` for a [database "
        "server](operating.md#a-database-server). Empty: a file in your user's data directory.",
    )
    key: types.StorageKeys = Field(
        default=Secret(),
        description="Encrypts tokens at rest: a key from `colorchanger key new`, or several separated by commas; see "
        "[accounts](accounts.md#tokens-at-rest).",
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys for tokens at rest: the first one encrypts, all decrypt. Without keys, tokens are plain."""
        return tuple(self.key.reveal().split(",")) if self.key else ()


class WebSettings(Section):
    """The dashboard."""

    enabled: types.Switch = Field(default=False, description="Serves the dashboard, metrics and health checks.")
    host: addresses.Host = Field(
        default="127.0.0.1", description="The address to listen on; anything but 127.0.0.1 needs a password."
    )
    port: addresses.Port = Field(default=4344, description="The port; 0 picks a free one.")
    password: types.Password = Field(default=Secret(), description="The password that the page asks for.")
    names: addresses.Hosts = Field(
        default=(), description="More host names that it answers to, such as that of a proxy in front."
    )

    @property
    def lets_anybody_in(self) -> bool:
        """Whether other machines reach the page, and nobody is asked for a password."""
        return self.enabled and not self.password and not addresses.is_loopback(self.host)


class LogSettings(Section):
    """The log."""

    level: types.LogLevel = Field(
        default="INFO", description="The minimum level: `DEBUG`, `INFO`, `WARNING` or `ERROR`."
    )
    format: types.LogFormat = Field(default="pretty", description="`pretty`, or `json`: one object per line.")
    file: types.FilePath = Field(
        default="", description="Also writes the log to this file. Rotated at 10 MB; five old files are kept."
    )


class TwitchSettings(Section):
    """Where Twitch is; other addresses are for the local Twitch and for proxies."""

    api_url: addresses.HttpAddress = Field(default="https://api.twitch.tv/helix", description="The API.")
    id_url: addresses.HttpAddress = Field(default="https://id.twitch.tv", description="The login server.")
    eventsub_url: addresses.SocketAddress = Field(
        default="wss://eventsub.wss.twitch.tv/ws", description="The chat events."
    )
