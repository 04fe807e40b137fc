"""A system that records what it is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from colorchanger_bot.autostart.tools import Result

OK = Result(0)


class Recorder:
    """Answers each call with the answer for the longest matching beginning of its command line; else with success."""

    def __init__(self, answers: dict[str, Result | Callable[[Sequence[str]], Result]] | None = None) -> None:
        self.answers = answers or {}
        self.calls: list[str] = []

    def __call__(self, command: Sequence[str]) -> Result:
        line = " ".join(command)
        self.calls.append(line)
        for beginning in sorted(self.answers, key=len, reverse=True):
            if line.startswith(beginning):
                answer = self.answers[beginning]
                return answer if isinstance(answer, Result) else answer(command)
        return OK
