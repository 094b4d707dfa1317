"""Scoring sends nothing anywhere: a whole run in a network that leads nowhere, packets counted."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Counts what the kernel was asked to send: without a route, every attempt is counted as one.
COUNTING = """
import socket, subprocess, sys
def attempts():
    lines = [line.split() for line in open("/proc/net/snmp") if line.startswith("Ip:")]
    counters = dict(zip(*lines))
    return int(counters["OutRequests"]) + int(counters["OutNoRoutes"])
code = subprocess.run(sys.argv[1:]).returncode
print("exit", code, "attempts", attempts())
try:
    socket.create_connection(("192.0.2.1", 80))
except OSError:
    print("counted", attempts() > 0)
"""


def in_no_network(*command: str, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["unshare", "--map-root-user", "--net", sys.executable, "-c", COUNTING, *command],
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.skipif(not shutil.which("unshare"), reason="Linux only")
def test_an_evaluation_asks_nobody(small_set, tmp_path):
    if in_no_network("true", folder=tmp_path).returncode:
        pytest.skip("namespaces are not allowed here")
    root = tmp_path / "set"
    for side in ("noisy", "clean"):
        (root / side).mkdir(parents=True)
        shutil.copy(small_set / side / "english_fan.wav", root / side)
    run = in_no_network(
        sys.executable, "-m", "frcrn_app", "evaluate", "--no-denoise", "--metrics", "pesq,dnsmos",
        "--noisy", str(root / "noisy"), "--clean", str(root / "clean"), folder=tmp_path,
    )  # fmt: skip
    assert "exit 0 attempts 0" in run.stdout, run.stderr
    assert "counted True" in run.stdout  # so an attempt would have shown
    assert not list(tmp_path.rglob(".ses"))  # which onnxruntime leaves where it reports


def test_onnxruntime_is_told_before_it_is_imported():
    code = "import frcrn_app.metrics, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "1\n"
