"""What is fuzzed: each target turns bytes into a call that visitors can cause.

They run in the processes of `frcrn_app.isolation`, so this module imports what it needs late.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def decoder(content: bytes) -> None:
    """Any container, by its content."""
    from frcrn_app.audio import load_audio

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "recording.wav")
        path.write_bytes(content)
        load_audio(path, max_seconds=60, max_samples=60 * 96_000)


def headers(content: bytes) -> None:
    """What is looked up before a recording is read."""
    from frcrn_app.audio import list_tracks
    from frcrn_app.isolation.recordings import stated

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "recording.wav")
        path.write_bytes(content)
        assert 0 <= stated(path, 60).samples < 1 << 40
        list_tracks(path)


def archive(content: bytes) -> None:
    """A zip archive of a test set."""
    from frcrn_app.evaluation import pair_archive

    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder, "set.zip"), Path(folder, "set")
        path.write_bytes(content)
        target.mkdir()
        try:
            pair_archive(path, target, max_bytes=8 << 20)
        finally:
            outside = {p.name for p in Path(folder).iterdir()} - {"set.zip", "set"}
            assert not outside, outside


def manifest(content: bytes) -> None:
    """A CSV file that names the files of a test set."""
    from frcrn_app.evaluation import among, pair_manifest

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "manifest.csv")
        path.write_bytes(content)
        files = [Path(folder, name) for name in ("a.wav", "b.wav", "c.wav")]
        for file in files:
            file.write_bytes(b"x" + file.name.encode())
        pair_manifest(path, among(files))


def checkpoint(content: bytes) -> None:
    """Weights, as the person who starts the demo may have got them from anywhere."""
    from frcrn_app.weights import load_weights

    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".safetensors", ".pt"):
            path = Path(folder, f"weights{suffix}")
            path.write_bytes(content)
            load_weights(path)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "decoder": decoder,
    "headers": headers,
    "archive": archive,
    "manifest": manifest,
    "checkpoint": checkpoint,
}


def seeds(target: str) -> list[bytes]:
    """Whole files that mutations start from."""
    return {
        "decoder": _recordings,
        "headers": _recordings,
        "archive": _archives,
        "manifest": _manifests,
        "checkpoint": _checkpoints,
    }[target]()


def _recordings() -> list[bytes]:
    from frcrn_app.audio import Audio, save_audio

    rng = np.random.default_rng(0)
    audio = Audio(0.1 * rng.standard_normal((2, 1600)), 16_000)
    names = ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.m4a", "a.webm", "a.aiff", "a.caf", "a.w64"]
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for name in [*names, "a.au"]:
            made.append(save_audio(Path(folder, name), audio, format="same").read_bytes())
    return made


def _archives() -> list[bytes]:
    made = []
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", compression) as opened:
            for folder in ("clean", "noisy", "other"):
                for name in ("a.wav", "b.wav"):
                    opened.writestr(f"{folder}/{name}", bytes(100) + name.encode())
            opened.writestr("manifest.csv", "noisy,clean\nnoisy/a.wav,clean/a.wav\n")
        made.append(buffer.getvalue())
    return made


def _manifests() -> list[bytes]:
    return [
        b"noisy,clean,group,other\na.wav,b.wav,x,c.wav\nb.wav,a.wav,y,\n",
        "noisy;clean\n\u00e4.wav;b.wav\n".encode(),
        'noisy\tclean\n"a.wav"\t"b\n.wav"\n'.encode("utf-16"),
    ]


def _checkpoints() -> list[bytes]:
    import torch
    from safetensors.torch import save

    tensors = {"unet.weight": torch.zeros(4, 4), "unet.bias": torch.zeros(4)}
    buffer = io.BytesIO()
    torch.save({"state_dict": tensors}, buffer)
    return [save(tensors, {"config": "{}"}), buffer.getvalue()]
