"""The dashboard: a page to watch and steer the accounts, with metrics and health checks."""
