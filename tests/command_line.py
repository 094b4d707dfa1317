"""The command line as a process of its own, and recordings to give it."""

import os
import signal
import subprocess
import sys

import numpy as np
import soundfile

from paths import ROOT


def write_noise(path, seconds=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).normal(0, 0.05, int(seconds * 16_000))
    soundfile.write(path, samples, 16_000)
    return path


def run_frcrn(*argv, cwd):
    """A process of its own, started the way the README says."""
    return subprocess.Popen(
        [sys.executable, "-m", "frcrn_app", *argv],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Started in a shell's background, tests would hand on that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
