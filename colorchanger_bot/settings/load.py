"""The settings: frozen, built once by `load`, then passed in. What each key does is in docs/settings.md.

The sources, later ones winning: the file, `DEBUG`, `LOG_FORMAT` and `LOG_FILE`, the numbered accounts, and
`COLORCHANGER_SECTION__KEY`.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from colorchanger_bot.color import problems
from colorchanger_bot.color.readable import make_readable, readable
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.settings.kinds import shown
from colorchanger_bot.settings.model import (
    COLOR,
    Account,
    AppSettings,
    CogSettings,
    ColorSettings,
    CommandSettings,
    LogSettings,
    StorageSettings,
    TwitchSettings,
    WebSettings,
)
from colorchanger_bot.settings.problems import Section, leaf_keys, read
from colorchanger_bot.settings.problems import masked as masked_section
from colorchanger_bot.settings.sources import Found, find_file, is_table, login_of, read_file
from colorchanger_bot.settings.types import passwords
from colorchanger_bot.settings.variables import (
    CONFIG,
    add_numbered,
    add_prefixed,
    add_short,
    read_variables,
    variable_name,
)

__all__ = [
    "Account",
    "AppSettings",
    "CogSettings",
    "ColorSettings",
    "CommandSettings",
    "LogSettings",
    "Settings",
    "StorageSettings",
    "TwitchSettings",
    "WebSettings",
    "example",
    "load",
    "masked",
]


@dataclass(frozen=True, slots=True)
class Settings(Section):
    """Everything that a user can set."""

    app: AppSettings = AppSettings()
    color: ColorSettings = ColorSettings()
    accounts: tuple[Account, ...] = ()
    commands: CommandSettings = CommandSettings()
    cogs: CogSettings = CogSettings()
    storage: StorageSettings = StorageSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    twitch: TwitchSettings = TwitchSettings()
    source: Path | None = field(default=None, compare=False)
    """The file that was read, if any."""

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Return the settings of a table with the keys of the file; tokens of accounts may be among them.

        Raises:
            ConfigError: something is wrong; it lists all that is.
        """
        return cls.found(Found(dict(table)))

    @classmethod
    def found(cls, found: Found) -> Self:
        """Return the settings of raw values from anywhere.

        Raises:
            ConfigError: something is wrong; it lists all that is.
        """
        wrong: list[str] = []
        settings = read(cls, found.tree, found, wrong)
        if not wrong:
            wrong = [*settings.web.misfits(), *settings.commands.misfits()]
        if wrong := [*found.problems, *wrong, *_account_misfits(found), *_color_misfits(found)]:
            raise ConfigError(list(dict.fromkeys(wrong)))
        return replace(settings, source=found.file)

    def account(self, login: str) -> Account | None:
        """Return the account of that login, if it is listed."""
        return next((each for each in self.accounts if each.login == login.lower()), None)

    def color_for(self, account: str | Account) -> ColorSettings:
        """Return the colour settings of an account or login, its own keys winning over `[color]`."""
        listed = self.account(account) if isinstance(account, str) else account
        return self.color.merged(listed.color) if listed else self.color

    def app_for(self, account: str | Account) -> AppSettings:
        """Return the application that an account or login uses: its own, else that of `[app]`."""
        listed = self.account(account) if isinstance(account, str) else account
        if listed is None or not (listed.client_id or listed.client_secret.reveal()):
            return self.app
        # A secret belongs to one application: that of [app] says nothing to another.
        return AppSettings(client_id=listed.client_id or self.app.client_id, client_secret=listed.client_secret)

    def with_login(self, account: Account, login: str) -> "Settings":
        """Return these settings after the login of an account that was only a token became known."""
        named = replace(account, login=login.lower())
        if listed := self.account(login):
            named = listed.completed_by(account)
        others = tuple(each for each in self.accounts if each not in (account, listed))
        return replace(self, accounts=(*others, named))

    def advice(self) -> Iterator[str]:
        """Yield a line for each colour that the user named and that is hard to read; it is used all the same."""
        places = {"color": self.color, **{f"color of {each.login}": self.color_for(each) for each in self.accounts}}
        said: set[str] = set()
        for place, color in places.items():
            for named in (*color.colors, *([color.base] if color.base else ())):
                if readable(named, color.theme, color.min_contrast) or f"{named} {color.theme}" in said:
                    continue
                said.add(f"{named} {color.theme}")
                better = make_readable(named, color.theme, color.min_contrast)
                where = "both themes" if color.theme == "both" else f"the {color.theme} theme"
                yield f"{place}: {named} is hard to read on {where}; the nearest that is not: {better.hex}"

    def secrets(self) -> Iterator[str]:
        """Yield every secret in here, for the log to hide."""
        yield self.app.client_secret.reveal()
        yield from passwords(self.storage.url)
        yield from self.storage.keys
        yield self.web.password.reveal()
        for account in self.accounts:
            for secret in (account.access_token, account.refresh_token, account.client_secret):
                yield secret.reveal()


def load(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    config_dir: Path | None = None,
) -> Settings:
    """Read the settings from `path` (else the first file that there is) and the environment.

    Raises:
        ConfigError: something is wrong; it lists all that is.
    """
    problems: list[str] = []
    variables = read_variables(os.environ if environ is None else environ, problems)
    named = path or (variables[CONFIG].text if CONFIG in variables else None)
    file, label = find_file(named, cwd or Path.cwd(), config_dir)
    found = read_file(file, label) if file else Found()
    add_short(found, variables)
    add_numbered(found, variables)
    add_prefixed(found, variables, {variable_name(key): key for key, _ in leaf_keys(Settings) if key[0] != "accounts"})
    found.problems[:0] = problems
    return Settings.found(found)


def masked(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON values to show: secrets as `***`, and of each account its own colour keys."""
    shown_settings = masked_section(settings)
    for account, each in zip(shown_settings["accounts"], settings.accounts, strict=True):
        account["color"] = {name: value for name, value in account["color"].items() if name in each.color.given}
    return shown_settings


def example() -> str:
    """Return the text of `config.toml.example`: every key of the file, explained, with its default."""
    return Path(__file__).parents[1].joinpath("config.toml.example").read_text("utf-8")


def _account_misfits(found: Found) -> Iterator[str]:
    """Yield accounts that are named twice, or not at all."""
    seen: set[str] = set()
    for place, account in enumerate(found.accounts):
        where, login = found.where(("accounts", place, "login")), login_of(account)
        if login in seen:
            yield f"{where} = {shown(login)}: this account is listed twice; remove one"
        elif login:
            seen.add(login)
        elif is_table(account) and not account.get("login") and not account.get("access_token"):
            yield f'{where} is missing: write login = "yourname" below [[accounts]]'


def _color_misfits(found: Found) -> Iterator[str]:
    """Yield what does not fit together in [color], or in it with an account's own keys."""
    base = _colors(found.tree)
    if base is None:
        return
    yield from base.misfits(found, COLOR)
    for place, account in enumerate(found.accounts):
        own = _colors(account)
        if own and own.given:
            yield from base.merged(own).misfits(found, ("accounts", place, "color"), known=problems(base.plan()))


def _colors(table: object) -> ColorSettings | None:
    """The colour settings of a raw table, if they can be read."""
    wrong: list[str] = []
    color = read(ColorSettings, table.get("color", {}), Found(), wrong, COLOR) if is_table(table) else None
    return None if wrong else color
