"""No deadline for examples: the first one with a new contrast has to compute its wheel."""

from hypothesis import settings

settings.register_profile("no deadline", settings.get_profile("suite"), deadline=None)
settings.load_profile("no deadline")
