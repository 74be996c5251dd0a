"""The `flask` commands, one file a subject; each prints for people, and with --json one object as its last line."""
