"""The real bot against the local Twitch, to look at."""
