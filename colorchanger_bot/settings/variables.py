"""Settings from the environment and secret files: `COLORCHANGER_SECTION__KEY`, numbered accounts, three short names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from colorchanger_bot.redaction import one_line
from colorchanger_bot.settings.kinds import SWITCH, did_you_mean, nearest
from colorchanger_bot.settings.sources import Found, Key, login_of

PREFIX = "COLORCHANGER_"
CONFIG, SECRETS_DIR = f"{PREFIX}CONFIG", f"{PREFIX}SECRETS_DIR"
CONF_FILE = "TWITCH_CONF_FILE"
"""The accounts of another program, taken over when the bot starts (`importer`)."""
SHORT: Mapping[str, Key] = {"DEBUG": ("log", "level"), "LOG_FORMAT": ("log", "format"), "LOG_FILE": ("log", "file")}
NUMBERED: Mapping[str, Key] = {
    "TWITCH_USERNAME": ("login",),
    "TWITCH_ACCESS_TOKEN": ("access_token",),
    "TWITCH_REFRESH_TOKEN": ("refresh_token",),
    "TWITCH_CLIENT_ID": ("client_id",),
    "TWITCH_CLIENT_SECRET": ("client_secret",),
    "TWITCH_CHANNELS": ("channels",),
    "USE_RANDOM_COLORS": ("color", "strategy"),
}
"""The variables of account N without their `_N`, and the key of an account that each sets."""

_NUMBERED = re.compile(rf"({'|'.join(NUMBERED)})_([1-9]\d{{0,3}})")
# Kubernetes gives these to every container beside a service named "colorchanger".
_KUBERNETES = re.compile(rf"{PREFIX}(SERVICE_(HOST|PORT\w*)|PORT(_\d+_\w+)?)")


class Variable(NamedTuple):
    """A variable's value, and its name as the user knows it: the path, if it came from a file."""

    text: str
    label: str


Variables = dict[str, Variable]


def read_variables(environ: Mapping[str, str], problems: list[str]) -> Variables:
    """Return what concerns us of the environment and its secret files, by name; what is empty counts as unset."""
    variables: Variables = {}
    if directory := environ.get(SECRETS_DIR, "").strip():
        for file in _secret_files(Path(directory).expanduser(), problems):
            _add(variables, file.name.upper(), _content(file, problems), str(file))
    for name in sorted(environ, reverse=True):  # lower case first: of two spellings the usual one wins
        _add(variables, name.upper() if name.upper().startswith(PREFIX) else name, environ[name], name)
    return variables


def _add(variables: Variables, name: str, text: str, label: str) -> None:
    text = text.strip()
    # `docker run --env-file` passes on the quotes that a shell would take away.
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    ours = name in SHORT or _NUMBERED.fullmatch(name) or name.startswith(PREFIX)
    if text and ours and not _KUBERNETES.fullmatch(name):
        variables[name] = Variable(text, label)


def _secret_files(directory: Path, problems: list[str]) -> Iterator[Path]:
    try:
        files = sorted(directory.iterdir(), reverse=True)
    except OSError as error:
        problems.append(f'{SECRETS_DIR} = "{directory}": cannot be read ({error.strerror}); name a directory')
        return
    wanted = (PREFIX, *NUMBERED)
    yield from (file for file in files if file.name.upper().startswith(wanted) and file.is_file())


def _content(file: Path, problems: list[str]) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        problems.append(f"{file}: cannot be read ({error.strerror}); let this user read it")
    except UnicodeDecodeError:
        problems.append(f"{file}: this is no UTF-8 text; write the bare value into it")
    return ""


def add_short(found: Found, variables: Variables) -> None:
    """Add `DEBUG`, `LOG_FORMAT` and `LOG_FILE`."""
    for name, key in SHORT.items():
        if variable := variables.get(name):
            # Other programs use DEBUG as well, with values of their own: those are not meant for us.
            if name != "DEBUG":
                found.put(key, variable.text, name)
            elif SWITCH.get(variable.text.lower()):
                found.put(key, "DEBUG", name)


def add_numbered(found: Found, variables: Variables) -> None:
    """Add the accounts `TWITCH_USERNAME_1` and so on; one that the file lists too is completed by its variables."""
    numbers: dict[int, dict[str, Variable]] = {}
    for name, variable in variables.items():
        if match := _NUMBERED.fullmatch(name):
            numbers.setdefault(int(match[2]), {})[match[1]] = variable
    taken: dict[str, str] = {}
    for number, values in sorted(numbers.items()):
        login, label = values.get("TWITCH_USERNAME", Variable("", ""))
        login = login.lower()
        if not login and "TWITCH_ACCESS_TOKEN" not in values:
            names = f"TWITCH_USERNAME_{number} or TWITCH_ACCESS_TOKEN_{number}"
            found.problems += [f"{each.label}: set {names} as well, or remove it" for each in values.values()]
        elif login in taken:
            found.problems.append(f'{label} = "{one_line(login)}": {taken[login]} is the same account; remove one')
        else:
            _add_account(found, login, values)
            taken |= {login: label} if login else {}


def _add_account(found: Found, login: str, values: Mapping[str, Variable]) -> None:
    accounts = found.accounts
    places = (place for place, account in enumerate(accounts) if login and login_of(account) == login)
    place = next(places, len(accounts))
    if place == len(accounts):
        accounts.append({})
    for stem, (text, label) in values.items():
        value = text
        if stem == "USE_RANDOM_COLORS":
            if (random := SWITCH.get(text.lower())) is None:
                found.problems.append(f'{label} = "{one_line(text)}": write true or false')
                continue
            value = "random" if random else "presets"
        found.put(("accounts", place, *NUMBERED[stem]), value, label)


def add_prefixed(found: Found, variables: Variables, keys: Mapping[str, Key]) -> None:
    """Add the `COLORCHANGER_` variables; `keys` are all that there are, by `variable_name`."""
    ours = {name: variable for name, variable in variables.items() if name.startswith(PREFIX)}
    allowed = [*keys, CONFIG, SECRETS_DIR]
    for name in sorted(ours.keys() - {*allowed}):
        hint = did_you_mean(nearest(name, allowed)) or "remove it"
        found.problems.append(f"{ours[name].label} is no variable I know: {hint}")
    for name, key in keys.items():
        if variable := ours.get(name):
            found.put(key, variable.text, variable.label)


def variable_name(key: Key) -> str:
    """Return the name of the variable that sets this key."""
    return PREFIX + "__".join(map(str, key)).upper()
