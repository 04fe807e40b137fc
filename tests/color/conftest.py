"""How long one example takes says nothing: the first one with a contrast works out its wheel."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
