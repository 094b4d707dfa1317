"""Programs of the project take the memory of one call from the call before."""

import platform
import subprocess
import sys

import pytest

FAULTS_OF_A_SECOND_TENSOR = """
import resource, sys, threading
import torch
from frcrn_app._malloc import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(16 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def work():
    faults()
    print(faults())

thread = threading.Thread(target=work)  # as the demo computes
thread.start()
thread.join()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_a_large_tensor_again_costs_no_pages():
    faults = {}
    for choice in ("keep", "leave"):
        command = [sys.executable, "-c", FAULTS_OF_A_SECOND_TENSOR, choice]
        faults[choice] = int(subprocess.run(command, capture_output=True, check=True).stdout)
    assert faults["keep"] < 0.1 * faults["leave"], faults
