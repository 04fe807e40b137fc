"""The minimal bot with settings: a rainbow, half a second after each message, and a command called `!paint`."""

from minimal_bot import Bot, main

from colorchanger_bot import Settings
from colorchanger_bot.wiring import attach

SETTINGS = Settings.of(
    {
        "color": {"strategy": "rainbow", "delay": 0.5},
        "commands": {"name": "paint", "aliases": []},
    }
)


class RainbowBot(Bot):
    async def setup_hook(self) -> None:
        attach(self, settings=SETTINGS)  # before the cogs are loaded
        await super().setup_hook()


if __name__ == "__main__":
    main(RainbowBot)
