"""Looking an account up costs the same among many, and reading accounts grows linearly with their number."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from colorchanger_bot.settings.load import Settings, load


def numbered(count: int, *, named: bool = True) -> dict[str, str]:
    """The variables of this many accounts."""
    variables: dict[str, str] = {}
    for number in range(1, count + 1):
        variables |= {f"TWITCH_USERNAME_{number}": f"user{number}"} if named else {}
        variables |= {f"TWITCH_ACCESS_TOKEN_{number}": f"{number:030}", f"USE_RANDOM_COLORS_{number}": "true"}
    return variables


def calls(work: Callable[[], object]) -> int:
    """Count function calls: unlike times, they are the same in every run."""
    count = 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def settings_with(count: int, folder: Path, *, named: bool = True) -> Settings:
    return load(environ=numbered(count, named=named), cwd=folder, config_dir=folder)


def test_reading_accounts_takes_work_in_proportion_to_their_number(tmp_path: Path) -> None:
    settings_with(1, tmp_path)  # warm the caches
    few, many = (calls(lambda: settings_with(count, tmp_path)) for count in (200, 400))  # noqa: B023
    assert many < 2.2 * few


@pytest.mark.parametrize("look_up", [Settings.account, Settings.color_for, Settings.app_for])
def test_looking_an_account_up_costs_the_same_among_many(
    look_up: Callable[[Settings, str], object], tmp_path: Path
) -> None:
    work: list[int] = []
    for count in (10, 500):
        settings = settings_with(count, tmp_path)
        look_up(settings, "user1")
        work.append(calls(lambda: look_up(settings, f"user{count}")))  # noqa: B023
    few, many = work
    assert few == many


def test_a_look_up_of_a_renamed_account_takes_as_much_among_many_as_among_few(tmp_path: Path) -> None:
    work: list[int] = []
    for count in (10, 500):
        settings = settings_with(count, tmp_path).bound_to([(f"new{n}", (f"user{n}",)) for n in range(1, count + 1)])
        assert settings.account("new1")
        work.append(calls(lambda: settings.account(f"new{count}")))  # noqa: B023
    few, many = work
    assert few == many


def test_binding_twice_as_many_accounts_takes_twice_the_work(tmp_path: Path) -> None:
    work: list[int] = []
    for count in (200, 400):
        settings = settings_with(count, tmp_path)
        settings.account("user1")
        names = [(f"new{n}", (f"user{n}",)) for n in range(1, count + 1)]
        work.append(calls(lambda: settings.bound_to(names)))  # noqa: B023
    few, many = work
    assert many < 2.2 * few


@pytest.mark.parametrize("named", [True, False])
def test_learning_a_login_costs_the_same_among_many(named: bool, tmp_path: Path) -> None:
    work: list[int] = []
    for count in (10, 500):
        settings = settings_with(count, tmp_path, named=named)
        settings.account("user1")
        account = settings.accounts[-1]
        work.append(calls(lambda: settings.with_login(account, f"user{count}")))  # noqa: B023
    few, many = work
    assert few == many


def test_a_copy_with_other_accounts_finds_those(tmp_path: Path) -> None:
    settings = settings_with(2, tmp_path)
    assert settings.account("user2")
    fewer = settings.model_copy(update={"accounts": settings.accounts[:1]})
    assert fewer.account("user2") is None
    assert fewer.account("user1") == settings.accounts[0]
