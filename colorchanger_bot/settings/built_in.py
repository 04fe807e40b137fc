"""What a package is built with: `COLORCHANGER_CLIENT_ID` at build time writes its value here, see `setup.py`."""

CLIENT_ID = ""
"""The Client ID of the distributor's application, a public one; empty: people register their own."""
