"""What the tests share: fakes that worker processes can import, and one Hypothesis profile."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

# A spawned worker gets this process's path, and so finds the fake features too.
sys.path.insert(0, str(Path(__file__).parent / "support"))

settings.register_profile("fvx", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("fvx")
