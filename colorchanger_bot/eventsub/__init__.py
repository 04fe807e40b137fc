"""Reading chat over EventSub, without ever going deaf."""
