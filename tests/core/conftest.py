"""Core's pages are tried on the same ward as the nurses'."""

from tests.dashboard.conftest import app, clinician, nurse, stranger, ward

__all__ = ["app", "clinician", "nurse", "stranger", "ward"]
