"""Settings from the environment and secret files: `COLORCHANGER_SECTION__KEY`, numbered accounts, three short names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from colorchanger_bot.redaction import one_line
from colorchanger_bot.settings.file import read_text
from colorchanger_bot.settings.raw import Key, RawSettings, login_of
from colorchanger_bot.words import did_you_mean, nearest

PREFIX = "COLORCHANGER_"
CONFIG, SECRETS_DIR = f"{PREFIX}CONFIG", f"{PREFIX}SECRETS_DIR"
CONF_FILE = "TWITCH_CONF_FILE"
"""Names the file with the accounts of another program, imported when the bot starts."""
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
SWITCH: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
EMPTY_IS_WRONG = frozenset({f"{PREFIX}APP__CLIENT_SECRET", f"{PREFIX}STORAGE__KEY", f"{PREFIX}WEB__PASSWORD"})
"""An empty value would leave unprotected what the user meant to protect."""

_NUMBERED = re.compile(rf"({'|'.join(NUMBERED)})_([1-9]\d{{0,3}})")
# Kubernetes gives these to every container beside a service named "colorchanger".
_KUBERNETES = re.compile(rf"{PREFIX}(SERVICE_(HOST|PORT\w*)|PORT(_\d+_\w+)?)")
_LIKE_OURS = re.compile(r"TWITCH_|USE_RANDOM|LOG_|COLOU?RCHANGE")


class Variable(NamedTuple):
    """A variable's value, and its name in messages: the path, if it came from a file."""

    text: str
    label: str


Variables = dict[str, Variable]


def read_variables(environ: Mapping[str, str], known: Collection[str], found: RawSettings) -> Variables:
    """Return our variables from the environment and the secret files, by name; an empty one counts as unset.

    Args:
        environ: the variables of the process.
        known: the names of all variables `COLORCHANGER_SECTION__KEY`.
        found: gets the problems, and a note for each variable that looks like a misspelt one of ours.
    """
    variables: Variables = {}
    like_ours: dict[str, str] = {}
    if directory := environ.get(SECRETS_DIR, "").strip():
        for file in _files(Path(directory).expanduser(), found):
            name = file.name.upper()
            if not _is_ours(name):
                like_ours[name] = str(file)
            elif text := _content(file, found):
                variables[name] = Variable(text, str(file))
    for label in sorted(environ, reverse=True):  # lower case first: of two spellings the usual one wins
        name = label.upper() if label.upper().startswith(PREFIX) else label
        text = _bare(environ[label])
        if not _is_ours(name):
            like_ours[name] = label
        elif text:
            variables[name] = Variable(text, label)
        elif name in EMPTY_IS_WRONG:
            found.problems.append(f"{label} is empty: give it its value, or remove it")
    allowed = [*known, CONFIG, SECRETS_DIR]
    for name in sorted(name for name in variables if name.startswith(PREFIX) and name not in allowed):
        hint = did_you_mean(nearest(name, allowed)) or "remove it"
        found.problems.append(f"{variables.pop(name).label} is not a known variable: {hint}")
    found.notes += _lookalikes(like_ours, known)
    return variables


def _is_ours(name: str) -> bool:
    ours = name in SHORT or name.startswith(PREFIX) or _NUMBERED.fullmatch(name) is not None
    return ours and not _KUBERNETES.fullmatch(name)


def _bare(text: str) -> str:
    """Return a value without the space around it and the quotes that `docker run --env-file` leaves."""
    text = text.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _files(directory: Path, found: RawSettings) -> list[Path]:
    try:
        return sorted(directory.iterdir(), reverse=True)
    except OSError as error:
        found.problems.append(f'{SECRETS_DIR} = "{directory}": cannot be read ({error.strerror}); name a directory')
        return []


def _content(file: Path, found: RawSettings) -> str:
    """Return the content of a secret file; if it has none, report a problem and return an empty text."""
    try:
        if text := _bare(read_text(file)):
            return text
        found.problems.append(f"{file}: is empty; write the bare value into it, or remove the file")
    except IsADirectoryError:
        found.problems.append(f"{file}: is a folder; put a file with the bare value in its place")
    except OSError as error:
        why = "it is a folder" if file.is_dir() else error.strerror  # Windows says "Permission denied" of a folder
        found.problems.append(f"{file}: cannot be read ({why}); let this user read it")
    except UnicodeDecodeError:
        found.problems.append(f"{file}: this is not UTF-8 text; write the bare value into it")
    return ""


def _lookalikes(names: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """Yield a note for each variable that is probably a misspelt one of ours."""
    ours = {
        **{name: name for name in (*known, *SHORT, CONF_FILE)},
        **{f"LOG_{name.rpartition('__')[2]}": name for name in known if name.startswith(f"{PREFIX}LOG__")},
        **{f"{stem}_N": f"{stem}_N" for stem in NUMBERED},
    }
    for name, label in sorted(names.items()):
        written = name.upper()
        if name == CONF_FILE or not _LIKE_OURS.match(written) or _KUBERNETES.fullmatch(written):
            continue
        stem, _, number = written.rpartition("_")
        meant = nearest(f"{stem}_N" if number.isdecimal() else written, ours, cutoff=0.85)
        if meant:
            number = number if re.fullmatch(r"[1-9]\d{0,3}", number) else "1"
            yield f"{one_line(label)} is not used: {did_you_mean(re.sub('_N$', f'_{number}', ours[meant]))}"


def add_short(found: RawSettings, variables: Variables) -> None:
    """Add `DEBUG`, `LOG_FORMAT` and `LOG_FILE`."""
    for name, key in SHORT.items():
        if variable := variables.get(name):
            # Other programs use DEBUG too, with values that are not meant for us.
            if name != "DEBUG":
                found.put(key, variable.text, name)
            elif SWITCH.get(variable.text.lower()):
                found.put(key, "DEBUG", name)


def add_numbered(found: RawSettings, variables: Variables) -> None:
    """Add the accounts `TWITCH_USERNAME_1` and so on; variables complete an account that the file lists too."""
    numbers: dict[int, dict[str, Variable]] = {}
    for name, variable in variables.items():
        if match := _NUMBERED.fullmatch(name):
            numbers.setdefault(int(match[2]), {})[match[1]] = variable
    accounts = found.accounts
    listed = {login_of(account): place for place, account in reversed([*enumerate(accounts)])}
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
            taken |= {login: label} if login else {}
            place = listed.get(login, len(accounts)) if login else len(accounts)
            if place == len(accounts):
                accounts.append({})
            _add_account(found, place, values)


def _add_account(found: RawSettings, place: int, values: Mapping[str, Variable]) -> None:
    for stem, (text, label) in values.items():
        value = text
        if stem == "USE_RANDOM_COLORS":
            if (random := SWITCH.get(text.lower())) is None:
                found.problems.append(f'{label} = "{one_line(text)}": write true or false')
                continue
            value = "random" if random else "presets"
        found.put(("accounts", place, *NUMBERED[stem]), value, label)


def add_prefixed(found: RawSettings, variables: Variables, keys: Mapping[str, Key]) -> None:
    """Add the `COLORCHANGER_` variables; `keys` are all that there are, by `variable_name`."""
    for name, key in keys.items():
        if variable := variables.get(name):
            found.put(key, variable.text, variable.label)


def variable_name(key: Key) -> str:
    """Return the name of the variable that sets this key."""
    return PREFIX + "__".join(map(str, key)).upper()


def conf_file(environ: Mapping[str, str]) -> Path | None:
    """Return the file with the accounts of another program; None if the environment names none."""
    named = environ.get(CONF_FILE, "").strip()
    return Path(named) if named else None
