"""What people write around the package: scripts of a few lines, run once from top to bottom."""

import os
import subprocess
import sys

from networks import save_halving
from paths import ROOT

SCRIPT = """
print("here we go", flush=True)
from frcrn_app.isolation import isolated
from frcrn_app.web.live.streams import StreamsProcesses
print(isolated(len, "four", about="x"))
print(StreamsProcesses({weights!r}).delay)
"""


def test_a_script_without_a_main_guard_is_not_run_again_by_our_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(weights=save_halving(tmp_path / "halving.safetensors")))
    ran = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split("\n") == ["here we go", "4", "0.06", ""]
