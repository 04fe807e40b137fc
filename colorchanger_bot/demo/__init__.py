"""The demo: the real bot against the local Twitch."""
