"""Programs of the project share cores with others."""

import os
import subprocess
import sys

import pytest

from paths import ROOT

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch comes without libgomp")
@pytest.mark.parametrize(
    ("wish", "looks"), [({}, "10000"), ({"OMP_WAIT_POLICY": "active"}, "30000000000")]
)
def test_threads_that_wait_sleep_soon_unless_the_user_wishes_otherwise(wish, looks):
    """As the library of threads understood it when it was loaded."""
    command = [sys.executable, "-c", PROGRAM]
    environment = ENVIRONMENT | wish | {"OMP_DISPLAY_ENV": "verbose", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"GOMP_SPINCOUNT = '{looks}'" in ran.stderr


PROGRAM = """
import sys
from frcrn_app.__main__ import run
sys.argv[1:] = ["weights", "list"]
run()
import torch
"""
