"""What is fuzzed: each target turns bytes into a call that visitors can cause.

They run in the processes of `frcrn_app.isolation`, so this module imports what it needs late.
"""

from __future__ import annotations

import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TEXT, BINARY = 0, 1  # kinds of messages of a WebSocket


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


def live(content: bytes) -> None:
    """Messages over the WebSocket of a live session: first words, then frames."""
    from frcrn_app.web.live.messages import read_frame, read_hello, to_pcm, to_samples, write_frame
    from frcrn_app.web.live.session import BACKLOG, Session

    messages = _messages(content)
    kind, hello = next(messages, (TEXT, b""))
    read_hello(hello.decode("utf-8", "replace") if kind == TEXT else "")
    session = Session("")
    session.begin()
    for kind, message in messages:
        session.receive(read_frame(b"" if kind == TEXT else message))
    waiting = 0
    while (frame := session.take()) is not None:
        waiting += 1
        assert to_pcm(to_samples(frame.pcm)) == frame.pcm
        assert write_frame(frame.number, frame.pcm).endswith(frame.pcm)
    assert waiting <= BACKLOG


TARGETS: dict[str, Callable[[bytes], None]] = {
    "decoder": decoder,
    "headers": headers,
    "archive": archive,
    "manifest": manifest,
    "checkpoint": checkpoint,
    "live": live,
}


def seeds(target: str) -> list[bytes]:
    """Whole files that mutations start from."""
    return {
        "decoder": _recordings,
        "headers": _recordings,
        "archive": _archives,
        "manifest": _manifests,
        "checkpoint": _checkpoints,
        "live": _conversations,
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


_HEAD = struct.Struct("<BH")  # of a message in a case: its kind, and its bytes


def _messages(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and payload of each message of a conversation; the last one may be cut off."""
    while len(content) >= _HEAD.size:
        kind, size = _HEAD.unpack_from(content)
        yield kind & 1, content[_HEAD.size : _HEAD.size + size]
        content = content[_HEAD.size + size :]


def _conversations() -> list[bytes]:
    from frcrn_app.web.live.messages import FRAME, SAMPLE_RATE

    def conversation(*numbers: tuple[int, int]) -> bytes:
        hello = json.dumps({"kind": "hello", "rate": SAMPLE_RATE, "frame": FRAME}).encode()
        pcm = np.arange(FRAME, dtype="<i2").tobytes()
        parts = [(TEXT, hello), *((BINARY, struct.pack("<II", *n) + pcm) for n in numbers)]
        return b"".join(_HEAD.pack(kind, len(part)) + part for kind, part in parts)

    return [
        conversation((0, 0), (1, 0), (2, 1)),
        conversation((1, 0), (1 << 31, 1), ((1 << 32) - 1, 1 << 31)),
        conversation(*((n, n) for n in range(12))),  # more than may wait
    ]
