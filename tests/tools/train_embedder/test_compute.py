"""What training asks of the machine it runs on."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import resource
import train_embedder.compute as compute
import torch

def new_pages(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.ones(16_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

torch.set_num_threads(1)
before = new_pages(4)
compute.keep_memory()
new_pages(12)
print(before, new_pages(4))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is known to give memory back at once")
def test_freed_memory_is_kept_for_the_next_step() -> None:
    pytest.importorskip("torch")
    paths = {"PYTHONPATH": str(Path(__file__).parents[3] / "tools")}
    done = subprocess.run([sys.executable, "-c", CODE], env=paths, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before > 10_000
    assert after < before / 100
