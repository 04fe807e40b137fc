"""Who is logged in, and who spends tokens."""
