"""Tests: sentences that mirror the tree. Real PostgreSQL, fakes through Runtime, no patches."""
