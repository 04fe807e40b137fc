"""What outlives the process: logins, colour memories, the heartbeat."""
