"""When an account changes its colour, and to which: no TwitchIO, no HTTP."""
