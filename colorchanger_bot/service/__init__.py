"""One running process: its accounts, how they stand, and its log."""
