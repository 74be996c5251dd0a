"""What the system does: one function, one act, one commit."""
