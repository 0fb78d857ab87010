"""All that waits for a GPU: its tests, then its measures. Without one it says so and leaves."""

from __future__ import annotations

import subprocess
import sys

import pytest

NO_GPU = "No CUDA or MPS device here: nothing to do. The tests marked gpu wait for a machine that has one."


def main(arguments: list[str]) -> int:
    """Run what needs a GPU; arguments go to pytest."""
    name = gpu()
    if not name:
        print(NO_GPU)
        return 0
    print(f"On {name}", flush=True)
    tests = subprocess.run([sys.executable, "-m", "pytest", "-m", "gpu", *arguments], check=False).returncode
    if tests == pytest.ExitCode.NO_TESTS_COLLECTED:
        print("No test is marked gpu yet.")
        tests = 0
    measures = bench()
    print("The pocket trains here with `python -m pocket.train`; its card in pocket/ says how.")
    return tests or measures


def gpu() -> str:
    """The first GPU's name, or nothing."""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    return "MPS" if torch.backends.mps.is_available() else ""


def bench() -> int:
    """The measures that need a GPU, where there are any."""
    from tests.bench.__main__ import chosen

    if not chosen(gpu=True):
        print("No measure needs a GPU yet.")
        return 0
    return subprocess.run([sys.executable, "-m", "tests.bench", "--gpu"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
