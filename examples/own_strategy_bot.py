"""The minimal bot with a strategy of its own: the colours of a traffic light, which continue after a restart."""

from minimal_bot import Bot, main

from colorchanger_bot import Color, Moment, Settings, Strategy
from colorchanger_bot.wiring import attach

LIGHTS = tuple(map(Color.parse, ("#E91916", "#D2691E", "#2E8B57")))


class TrafficLight(Strategy):
    name = "traffic light"

    def __init__(self) -> None:
        self.at = 0

    def next(self, moment: Moment) -> Color:
        self.at = (self.at + 1) % len(LIGHTS)
        return LIGHTS[self.at]

    def save(self) -> dict[str, int]:
        return {"at": self.at}

    def load(self, state: dict[str, int]) -> None:
        self.at = state.get("at", 0) % len(LIGHTS)


class TrafficBot(Bot):
    async def setup_hook(self) -> None:
        attach(self, settings=Settings.of({"color": {"delay": 0}}), strategy=TrafficLight())
        await super().setup_hook()


if __name__ == "__main__":
    main(TrafficBot)
