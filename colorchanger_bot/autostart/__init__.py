"""Starting with the computer: a systemd user unit, a launchd agent or a Windows logon task.

`switch` has what the command line and the page use.
"""
