"""Logs that quote nobody, also before anybody has set them up."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

CARELESS = """
from care.logs import logger
name = "Demo Patient One"
logger().info("seen", patient=name, count=1)
try:
    raise ValueError(name)
except ValueError:
    logger().exception("failed")
"""


def test_a_process_that_never_set_up_its_logs_quotes_nobody():
    ran = subprocess.run([sys.executable, "-c", CARELESS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Demo Patient" not in ran.stdout + ran.stderr
    assert '"count": 1' in ran.stderr
    assert '"error": "ValueError"' in ran.stderr
