"""Offline training: data in, a bundle out. Needs requirements-train.txt; the server never imports this package."""
