"""Everything that knows TwitchIO."""
