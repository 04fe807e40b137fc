"""All settings: those of one account, the origin of each value, and values that conflict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, PrivateAttr, ValidationError, model_validator

from colorchanger_bot.color import STRATEGIES, problems, uses
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.redaction import Secret
from colorchanger_bot.settings.addresses import passwords
from colorchanger_bot.settings.model import (
    COLOR,
    Account,
    AppSettings,
    CogSettings,
    ColorSettings,
    CommandSettings,
    CommunitySettings,
    LogSettings,
    ReadingSettings,
    Section,
    StorageSettings,
    TwitchSettings,
    WebSettings,
)
from colorchanger_bot.settings.problems import Conflict, lines, refuse_conflicts
from colorchanger_bot.settings.raw import Key, RawSettings, is_list, is_table, login_of
from colorchanger_bot.words import shown


class Settings(Section):
    """The settings of ColorChanger."""

    app: AppSettings = AppSettings()
    color: ColorSettings = ColorSettings()
    accounts: tuple[Account, ...] = ()
    commands: CommandSettings = CommandSettings()
    reading: ReadingSettings = ReadingSettings()
    community: CommunitySettings = CommunitySettings()
    cogs: CogSettings = CogSettings()
    storage: StorageSettings = StorageSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    twitch: TwitchSettings = TwitchSettings()

    _found: RawSettings = PrivateAttr(default_factory=RawSettings)
    _by_name: tuple[tuple[Account, ...], dict[str, Account]] = PrivateAttr(default=((), {}))
    _renamed: Mapping[str, str] = PrivateAttr(default_factory=dict[str, str])
    """The name in the settings by the present login, where they differ; empty: those settings are somebody else's."""

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Return the settings of a table with the keys of the file; tokens of accounts may be among them.

        Raises:
            ConfigError: something is wrong; it lists all that is.
        """
        return cls.from_raw(RawSettings(dict(table)))

    @classmethod
    def from_raw(cls, found: RawSettings) -> Self:
        """Return the settings of raw values from anywhere.

        Raises:
            ConfigError: something is wrong; it lists all that is.
        """
        wrong = found.problems
        settings: Self | None = None
        try:
            settings = cls.model_validate(found.tree)
        except ValidationError as error:
            # pydantic looks for conflicts only once all values are valid; people want to see all problems at once.
            conflicts = _conflicts_of_raw(found)
            wrong = [*wrong, *lines(cls, error, found), *(f"{found.where(key)}{words}" for key, words in conflicts)]
        if wrong or settings is None:
            raise ConfigError(list(dict.fromkeys(wrong)))
        settings._found = found
        return settings

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if conflicts := [*_conflicts(self.color, dict(enumerate(self.accounts)))]:
            refuse_conflicts(conflicts)
        return self

    def __eq__(self, other: object) -> bool:
        """Whether all values are the same, wherever they came from."""
        return isinstance(other, Settings) and dict(self) == dict(other)

    def __hash__(self) -> int:
        """Fit `__eq__`."""
        return hash(tuple(dict(self).values()))

    @property
    def source(self) -> Path | None:
        """The file that was read, if any."""
        return self._found.file

    @property
    def notes(self) -> tuple[str, ...]:
        """A line for each variable or preference that was given but has no effect."""
        return tuple(self._found.notes)

    def where(self, key: Key) -> str:
        """Return the name of a key in messages: its line in the file with its name, or its variable."""
        return self._found.where(key)

    def dotted(self, key: Key) -> str:
        """Return a key as a person writes it, such as `accounts[bob].channels`."""
        return self._found.dotted(key)

    def origin(self, key: Key) -> str:
        """Return where the value of a key came from: a line of the file, a variable, or the default."""
        return self._found.origin(key)

    def account(self, login: str) -> Account | None:
        """Return the account of that login, if it is listed; see `bound_to` for accounts that were renamed."""
        login = login.lower()
        return self._listed().get(self._renamed.get(login, login))

    def color_for(self, account: str | Account) -> ColorSettings:
        """Return the colour settings of an account or login; its own keys override `[color]`."""
        listed = self.account(account) if isinstance(account, str) else account
        return self.color.merged(listed.color) if listed else self.color

    def app_for(self, account: str | Account) -> AppSettings:
        """Return the application that an account or login uses: its own, else that of `[app]`."""
        listed = self.account(account) if isinstance(account, str) else account
        if listed is None or not (listed.client_id or listed.client_secret):
            return self.app
        # A secret belongs to one application: that of [app] says nothing to another.
        return AppSettings(client_id=listed.client_id or self.app.client_id, client_secret=listed.client_secret)

    def with_login(self, account: Account, login: str) -> Settings:
        """Return these settings after the login of an account that was only a token became known."""
        login, listed = login.lower(), self._listed()
        if account.login == login and listed.get(login) == account:
            return self
        named = account.model_copy(update={"login": login})
        if known := listed.get(login):
            named = known.completed_by(account)
        # All that is done for one account must be cheap, or a start with thousands takes minutes.
        by_name = listed.copy()
        if by_name.get(account.name) == account:  # else its name turned out to be another account's
            del by_name[account.name]
        by_name.pop(login, None)
        by_name[login] = named
        accounts = tuple(by_name.values())
        settings = self.model_copy(update={"accounts": accounts})
        settings._by_name = accounts, by_name
        settings._renamed = {new: old for new, old in self._renamed.items() if new != login and old != account.name}
        return settings

    def bound_to(self, names: Iterable[tuple[str, Sequence[str]]]) -> Settings:
        """Return these settings for accounts with a login and earlier ones: an account that was renamed keeps its own.

        Where somebody else has the earlier login now, the settings still belong to the account that had it first. An
        account whose present login is listed needs no earlier one.
        """
        listed, renamed, taken = self._listed(), dict[str, str](), set[str]()
        present = dict(names)
        waiting, before = {login: earlier for login, earlier in present.items() if earlier}, -1
        while before != len(taken):  # each one that is found may leave somebody else without settings
            before = len(taken)
            for login in [each for each in waiting if each not in listed or each in taken]:
                name = next((name for name in waiting[login] if name in listed and name not in taken), None)
                if name is not None:
                    renamed[login] = name
                    taken.add(name)
                    del waiting[login]
        settings = self.model_copy()
        settings._renamed = {**dict.fromkeys(taken & present.keys(), ""), **renamed}
        return settings

    def listed_as(self, login: str) -> str:
        """Return the name under which the settings list the account of that login; empty if they do not."""
        account = self.account(login)
        return account.login if account else ""

    def tree(self) -> dict[str, Any]:
        """Return what was set, as nested tables without defaults."""
        return _tree_of(self)

    def with_tree(self, tree: dict[str, Any], *, preferences: frozenset[Key], notes: Iterable[str] = ()) -> Settings:
        """Return the settings that another tree makes, where `preferences` are the keys that were set on the page.

        Raises:
            ConfigError: something in it is wrong; it lists all that is.
        """
        found = replace(self._found, tree=tree, preferences=preferences, problems=[], notes=[*self._found.notes])
        settings = type(self).from_raw(found)
        settings._renamed = self._renamed
        settings._found.notes += notes
        return settings

    def account_keys(self) -> dict[str, Key]:
        """Return where each account is listed, by its login there."""
        return {login_of(each): ("accounts", place, "login") for place, each in enumerate(self._found.accounts)}

    def advice(self) -> Iterator[str]:
        """Yield a line for each value that is set and not used, and for each named colour that is hard to read."""
        places: list[tuple[Key, ColorSettings, ColorSettings]] = [(COLOR, self.color, self.color)]
        for place, each in enumerate(self.accounts):
            if each.color.model_fields_set:
                places.append((("accounts", place, "color"), each.color, self.color_for(each)))
        used = {name for _, _, merged in places for name in uses(merged.strategy)}
        for key, own, merged in places:
            for name in own.idle_keys(used if key == COLOR else uses(merged.strategy)):
                users = " or ".join(strategy for strategy in STRATEGIES if name in uses(strategy))
                yield f'{self.where((*key, name))} is not used by the strategy "{merged.strategy}", only by {users}'
        if self.commands.owner and "owner" not in self.commands.allow:
            yield f'{self.where(("commands", "owner"))} is not used: add "owner" to commands.allow'
        if not self.community.enabled and self.community != CommunitySettings():
            yield f"{self.where(('community',))} is not used: nobody can join without community.enabled = true"
        if not self.web.enabled and self.web != WebSettings():
            yield f"{self.where(('web',))} is not used: there is no page without web.enabled = true"
        said: set[str] = set()
        for key, _, merged in places:
            for sentence in merged.hard_to_read():
                if sentence not in said:
                    said.add(sentence)
                    yield f"{self.dotted(key)}: {sentence}"

    def obstacles(self) -> Iterator[str]:
        """Yield a line for each thing that a run needs and that is not set, though every value is right."""
        if self.community.enabled and not self.storage.keys:
            where = self.where(("storage", "key"))
            yield f"{where} is empty, and the logins of a community must be encrypted; run: colorchanger key new"
        if self.web.lets_anybody_in:
            where = self.where(("web", "password"))
            yield f'{where} is empty, and web.host = "{self.web.host}" lets others in: set web.password'

    def secrets(self) -> Iterator[str]:
        """Yield every secret in here, for the log to hide."""
        yield self.app.client_secret.reveal()
        yield from passwords(self.storage.url)
        yield from self.storage.keys
        yield self.web.password.reveal()
        for account in self.accounts:
            for secret in (account.access_token, account.refresh_token, account.client_secret):
                yield secret.reveal()

    def _listed(self) -> dict[str, Account]:
        if self._by_name[0] is not self.accounts:  # the first time, and after `model_copy`
            self._by_name = self.accounts, {each.name: each for each in self.accounts}
        return self._by_name[1]


def _conflicts(color: ColorSettings, accounts: Mapping[int, Account]) -> Iterator[Conflict]:
    """Yield accounts that are listed twice or without a login, and colours that do not fit together."""
    seen: set[str] = set()
    for place, account in accounts.items():
        here: Key = ("accounts", place, "login")
        if account.login in seen:
            yield Conflict(here, f" = {shown(account.login)}: this account is listed twice; remove one")
        elif account.login:
            seen.add(account.login)
        elif not account.access_token:
            yield Conflict(here, ' is missing: write login = "yourname" below [[accounts]]')
    yield from color.conflicts(COLOR)
    known = problems(color.plan())
    for place, account in accounts.items():
        if account.color.model_fields_set:
            yield from color.merged(account.color).conflicts(("accounts", place, "color"), known)


def _conflicts_of_raw(found: RawSettings) -> Iterator[Conflict]:
    """Yield what does not fit together among the values that can be read."""
    color = _color_of(found.tree)
    raw: Any = found.tree.get("accounts")
    accounts: dict[int, Account] = {}
    for place, each in enumerate(raw if is_list(raw) else ()):
        if is_table(each):
            accounts[place] = Account.model_construct(
                login=login_of(each),
                # A login or token that cannot be read is a problem of its own, and not missing.
                access_token=Secret(str(each.get("access_token") or "") or (each.get("login") and "?") or ""),
                color=(color and _color_of(each)) or ColorSettings(),
            )
    yield from _conflicts(color or ColorSettings(), accounts)


def _color_of(table: Mapping[str, Any]) -> ColorSettings | None:
    """The colour settings of a raw table, if they can be read."""
    try:
        return ColorSettings.model_validate(table.get("color", {}))
    except ValidationError:
        return None


def _tree_of(section: BaseModel) -> dict[str, Any]:
    return {name: _raw(getattr(section, name)) for name in section.model_fields_set}


def _raw(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _tree_of(value)
    if isinstance(value, tuple):
        return [_raw(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value
