"""Benchmarks: figures that anyone can repeat, each beside a yardstick measured in the same run. They are not tests."""
