"""The rules that matter, as checks."""
