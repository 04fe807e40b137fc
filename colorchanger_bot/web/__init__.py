"""The dashboard: a page to watch and steer the accounts, and the numbers that machines ask for."""
