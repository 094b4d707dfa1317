"""The wheel alone, away from the checkout: it holds everything, and cleans a recording offline."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from frcrn_app import __version__, load_audio
from paths import EXAMPLES, PACKAGE, ROOT

NOISY = EXAMPLES / "pairs" / "noisy" / "french_street.flac"

# Stands before the command: what the core must not need cannot be imported, nothing is reached.
WITHOUT_EXTRAS = """
import importlib.abc, sys

class Refusing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {refused!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refusing())

def offline(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise RuntimeError(f"{{event}}: the core went online")

sys.addaudithook(offline)
"""


# Modules that extras alone bring. Not those that core packages bring along, such as torch's jinja2.
EXTRAS = {
    *("gradio", "torchaudio", "pesq", "pystoi", "speechmos", "onnxruntime", "onnx", "onnxscript"),
    *("pandas", "matplotlib", "scipy", "pyroomacoustics", "ray"),
    *(
        "prometheus_client",
        "limits",
        "pydantic_settings",
        "PIL",
        "pyloudnorm",
        "charset_normalizer",
    ),
}
CONNECT = "import socket; socket.create_connection(('127.0.0.1', 9))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with the installed package, its dependencies being those of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", str(folder), str(wheel)], check=True)
    return folder


def surroundings(installed: Path, home: Path) -> dict[str, str]:
    """The environment of a process that sees neither this checkout nor the extras."""
    (installed / "sitecustomize.py").write_text(WITHOUT_EXTRAS.format(refused=EXTRAS))
    kept = {name: value for name, value in os.environ.items() if "FRCRN" not in name}
    return kept | {"PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(home / "cache")}


def run_installed(installed: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    """The installed console script."""
    script = [sys.executable, str(installed / "bin" / "frcrn"), *arguments]
    environment = surroundings(installed, cwd)
    return subprocess.run(script, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("statement", ["import gradio", "import torchaudio", CONNECT])
def test_extras_and_the_network_are_out_of_reach_here(installed, tmp_path, statement):
    """Else the tests below would show nothing."""
    environment = surroundings(installed, tmp_path)
    tried = [sys.executable, "-c", statement]
    done = subprocess.run(tried, env=environment, capture_output=True, text=True)
    assert "No module named" in done.stderr or "went online" in done.stderr


def test_a_recording_is_cleaned_from_another_folder(installed, tmp_path):
    noisy = load_audio(NOISY)
    (tmp_path / "noisy.flac").write_bytes(NOISY.read_bytes())
    done = run_installed(installed, "denoise", "noisy.flac", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    cleaned = load_audio(tmp_path / "output" / "noisy.flac")
    clean = load_audio(EXAMPLES / "pairs" / "clean" / NOISY.name)
    assert cleaned.samples.shape == noisy.samples.shape
    noise = np.mean((noisy.samples - clean.samples) ** 2)
    assert np.mean((cleaned.samples - clean.samples) ** 2) < 0.5 * noise


def test_weights_are_fetched_to_the_users_cache_and_not_into_the_package(installed, tmp_path):
    done = run_installed(installed, "weights", "verify", "frcrn-16k", cwd=tmp_path)
    assert done.returncode == 2
    assert str(tmp_path / "cache" / "frcrn_app" / "weights" / "frcrn-16k") in done.stderr


def test_the_installed_script_tells_its_version_and_its_name(installed, tmp_path):
    version = run_installed(installed, "--version", cwd=tmp_path)
    assert version.stdout.strip() == f"frcrn_app {__version__}"
    assert "usage: frcrn " in run_installed(installed, "denoise", "--help", cwd=tmp_path).stdout


def test_everything_that_is_no_code_travels_along(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    files = [
        path for path in PACKAGE.rglob("*") if path.is_file() and path.parent.name != "__pycache__"
    ]
    assert {path.relative_to(ROOT).as_posix() for path in files} <= held
    sums = (ROOT / "weights" / "SHA256SUMS").read_text().split()[1::2]
    assert {f"frcrn_app/data/weights/{name}" for name in sums} <= held
    for folder in ("noisy", "pairs"):
        for path in (EXAMPLES / folder).rglob("*.*"):
            assert f"frcrn_app/data/examples/{path.relative_to(EXAMPLES).as_posix()}" in held


def test_what_the_core_does_without_is_named(installed, tmp_path):
    done = run_installed(installed, "evaluate", "--noisy", ".", cwd=tmp_path)
    assert done.returncode == 2
    wanted = '"frcrn evaluate" needs further packages: pip install "frcrn-app[eval]".'
    assert done.stderr == f"error: {wanted}\n"


def test_a_name_that_needs_an_extra_says_so(installed, tmp_path):
    tried = [sys.executable, "-c", "from frcrn_app import evaluate_pairs"]
    environment = surroundings(installed, tmp_path)
    done = subprocess.run(tried, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith('pip install "frcrn-app[eval]".')
