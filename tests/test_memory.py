"""What a process that serves for long does with its garbage."""

from __future__ import annotations

import subprocess
import sys

_CYCLE = """
import gc, weakref
from care.memory import settle

class Node: pass

settle()
assert gc.get_freeze_count() > 1_000, "what was loaded is not searched any more"
node = Node(); node.itself = node; gone = weakref.ref(node); del node
kept = [[] for _ in range(150_000)]
assert gone() is None, "a cycle is still collected"
"""


def test_a_settled_process_still_collects_cycles_and_leaves_what_it_loaded_alone() -> None:
    done = subprocess.run([sys.executable, "-c", _CYCLE], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
