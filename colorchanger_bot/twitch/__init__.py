"""Twitch's HTTP APIs."""
