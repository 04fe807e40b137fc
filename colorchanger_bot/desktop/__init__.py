"""Starting on a person's own computer: one process, its page, and the browser that shows it."""
