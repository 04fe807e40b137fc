"""What survives a restart: logins, colour histories, the heartbeat."""
