"""The compiled passes are there where they can be, work on old processors, and may be missing."""

import ctypes
import logging
import platform
import shutil
import subprocess
import sys

import pytest
import torch
from golden.seeded import seeded_network, waveform

from frcrn_app.inference import fused as fuse
from frcrn_app.inference import kernels
from frcrn_app.inference.fused import fuse as make_fused

INNER = slice(20, -20)
needs_compiler = pytest.mark.skipif(
    platform.system() != "Linux" or not (shutil.which("cc") or shutil.which("gcc")),
    reason="they need Linux and a C compiler",
)


@pytest.fixture(autouse=True)
def forget():
    kernels.load_kernels.cache_clear()
    yield
    kernels.load_kernels.cache_clear()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "frcrn_app"


@needs_compiler
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_they_are_compiled_once(dtype, cache):
    assert kernels.load_kernels(dtype) is not None
    (library,) = cache.iterdir()
    assert cache.stat().st_mode & 0o077 == 0, "what lies there will be run"
    kernels.load_kernels.cache_clear()
    written = library.stat().st_mtime_ns
    assert kernels.load_kernels(dtype) is not None
    assert library.stat().st_mtime_ns == written


@pytest.fixture(scope="module", params=[torch.float32, torch.bfloat16], ids=["f32", "bf16"])
def portable(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        library = ctypes.CDLL(str(kernels._library(request.param, processor=None)))
    return kernels.Kernels(library, request.param)


@needs_compiler
@pytest.mark.parametrize("channels", [24, 64])
def test_processors_without_wide_vectors(channels, portable, monkeypatch):
    """Other instructions, same sound: the portable form of the source is used there."""
    assert not portable._in_pairs
    network, noisy = seeded_network(channels, 1), waveform(12_345)
    expected = network(noisy)
    used = []

    def load(asked: torch.dtype):
        used.append(asked)
        return portable if asked == portable.dtype else None

    monkeypatch.setattr(fuse, "load_kernels", load)
    difference = make_fused(network, portable.dtype)(noisy) - expected
    assert portable.dtype in used
    tolerance = 1e-5 if portable.dtype == torch.float32 else 0.02
    assert difference[:, INNER].norm() / expected[:, INNER].norm() < tolerance


@pytest.mark.parametrize(
    "obstacle", ["wish", "no compiler", "a compiler that fails", "a folder of others", "no folder"]
)
def test_without_them_torch_does_the_work(obstacle, cache, tmp_path, monkeypatch, caplog):
    if obstacle == "wish":
        monkeypatch.setenv(kernels.DISABLE, "1")
    elif obstacle == "no compiler":
        monkeypatch.delenv("CC", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
    elif obstacle == "a compiler that fails":
        monkeypatch.setenv("CC", shutil.which("false"))
    elif obstacle == "a folder of others":
        cache.mkdir(parents=True)
        cache.chmod(0o777)
    else:
        cache.parent.write_text("a file where the folder should be")
    with caplog.at_level(logging.INFO, "frcrn_app"):
        assert kernels.load_kernels(torch.float32) is None
    assert obstacle == "wish" or "torch computes them" in caplog.text
    network, noisy = seeded_network(16, 1), waveform(5_000)
    enhanced = make_fused(network)(noisy)
    torch.testing.assert_close(enhanced[:, INNER], network(noisy)[:, INNER], rtol=0, atol=1e-5)


def test_types_that_they_are_not_for():
    assert kernels.load_kernels(torch.float16) is None


@needs_compiler
def test_a_tensor_of_another_order_is_refused(cache):
    """A pointer to it would be read as something else."""
    passes = kernels.load_kernels(torch.float32)
    x = torch.zeros(3, 2, 4, 16)
    out = torch.zeros(2, 3, 4, 16)
    weights = passes.memory_weights(torch.zeros(16, 4), torch.zeros(16, 4))
    for wrong in (torch.zeros(3, 4, 2, 16).transpose(1, 2), x.double()):
        with pytest.raises(ValueError, match="contiguous"):
            passes.memory(wrong, x, x, weights, 4, out)


OPENMPS = """
import os
import torch
from frcrn_app.model.kernels import load_kernels

def loaded():
    with open("/proc/self/maps") as maps:
        return {os.path.realpath(line.split()[-1]) for line in maps if "omp" in line}

before = loaded()
assert before, "torch has one"
assert load_kernels(torch.float32) is not None
assert loaded() == before, loaded() - before
"""


@needs_compiler
def test_they_share_torchs_threads(cache):
    """A second OpenMP would keep threads of its own, which wait busily beside torch's."""
    done = subprocess.run([sys.executable, "-c", OPENMPS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_user_without_a_home(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(kernels.Path, "home", _no_home)
    assert kernels.load_kernels(torch.float32) is None


def _no_home():
    raise RuntimeError("Could not determine home directory.")
