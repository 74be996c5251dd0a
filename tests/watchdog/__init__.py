"""The watchdog's own tests."""
