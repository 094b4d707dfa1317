"""Many visitors at once, some of them hostile, against a demo on this machine.

    python tests/load/load.py --clients 32 --rounds 3 --hostile 5

starts `python app.py --public` on a free port of the loopback interface, and says how many answers
were right, how many were a polite refusal, how long visitors waited, and what the server's memory
did. Every visitor has an address of their own, as if a proxy had passed their requests on. All
loops are bounded; nothing but the server that was started here is asked.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "examples" / "noisy" / "fan-russian.flac"
PATIENCE_SECONDS = 300  # of a visitor, all tries together
TRIES = 60
HOSTILE_REQUESTS = 60  # of one hostile visitor in a round


class RefusedError(Exception):
    """The server said, politely, that it would not."""


@dataclass
class Server:
    """A demo that was started here."""

    process: subprocess.Popen
    address: str
    log: Path
    temporary: Path

    def memory(self) -> float:
        """MiB of the server and its processes, shared pages counted once."""
        total = 0
        parent = psutil.Process(self.process.pid)
        for process in [parent, *parent.children(recursive=True)]:
            with suppress(psutil.Error):
                total += process.memory_full_info().pss
        return total / 2**20

    def start_live(self) -> None:
        """Come for a live session once: its processes start then, or at a moment of their own."""
        with connect(f"{self.address.replace('http', 'ws', 1)}/frcrn/live") as socket:
            socket.send(json.dumps({"kind": "hello", "rate": 16_000, "frame": 320}))
            while json.loads(socket.recv(120))["kind"] not in ("ready", "ended"):
                pass


@contextmanager
def served(*arguments: str, wait: float = 120.0) -> Iterator[Server]:
    """A demo with these arguments on a free port, ended at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="frcrn-load-") as folder:
        temporary, log = Path(folder, "tmp"), Path(folder, "log")
        temporary.mkdir()
        environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
        environment.pop("GRADIO_TEMP_DIR", None)
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "app.py"), "--port", str(port), *arguments],
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=ROOT,
            )
        server = Server(process, f"http://127.0.0.1:{port}", log, temporary)
        try:
            deadline = time.monotonic() + wait
            while time.monotonic() < deadline and process.poll() is None:
                with suppress(httpx.HTTPError):
                    if httpx.get(f"{server.address}/healthz", timeout=30).status_code == 200:
                        break
                time.sleep(0.2)
            else:
                raise RuntimeError(f"the demo did not start:\n{log.read_text()[-2000:]}")
            yield server
        finally:
            if process.poll() is None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(20)
            if process.poll() is None:
                process.kill()


class Visitor:
    """Someone with an address of their own."""

    def __init__(self, server: Server, address: str):
        self.client = httpx.Client(
            base_url=server.address, headers={"x-forwarded-for": address}, timeout=120
        )

    def upload(self, path: Path) -> str:
        with path.open("rb") as file:
            answer = self.client.post("/gradio_api/upload", files={"files": (path.name, file)})
        if answer.status_code in (413, 429, 507):
            raise RefusedError(answer.json()["detail"])
        answer.raise_for_status()
        return answer.json()[0]

    def ask(self, uploaded: str) -> str:
        """Put a file into the queue; returns the event."""
        file = {"path": uploaded, "meta": {"_type": "gradio.FileData"}}
        body = {"data": [file, 1.0, "auto", "wav16", "full", 0]}
        answer = self.client.post("/gradio_api/call/denoise", json=body)
        if answer.status_code in (429, 503):
            raise RefusedError(answer.json().get("detail", "busy"))
        answer.raise_for_status()
        return answer.json()["event_id"]

    def answer(self, event: str) -> bytes:
        """The cleaned file."""
        kind, url = "", ""
        with self.client.stream("GET", f"/gradio_api/call/denoise/{event}") as stream:
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: ") and kind in ("complete", "error"):
                    data = json.loads(line.removeprefix("data: "))
                    if kind == "error":
                        raise RefusedError(str(data))
                    url = data[0]["url"]
        cleaned = self.client.get(url)
        cleaned.raise_for_status()
        return cleaned.content

    def clean(self, path: Path) -> bytes:
        """One recording from upload to download."""
        return self.answer(self.ask(self.upload(path)))


@dataclass
class Round:
    """What came of one round."""

    right: int = 0
    wrong: int = 0
    refused: int = 0  # politely, tried again later
    waits: list[float] = field(default_factory=list)  # s from upload to download
    memory: float = 0.0  # MiB afterwards

    def __str__(self) -> str:
        median, longest = statistics.median(self.waits or [0]), max(self.waits, default=0)
        return (
            f"{self.right} right, {self.wrong} wrong, {self.refused} polite refusals, waits "
            f"{median:.2f} s in the median and {longest:.2f} s at most, {self.memory:.0f} MiB"
        )


def run_round(server: Server, clients: int, expected: bytes, hostile: int = 0) -> Round:
    """Every client cleans the same clip once, beside some hostile ones."""
    outcome, lock, over = Round(), threading.Lock(), threading.Event()

    def visit(number: int) -> None:
        visitor = Visitor(server, f"198.51.100.{number + 1}")
        began = time.monotonic()
        for _ in range(TRIES):
            if time.monotonic() - began > PATIENCE_SECONDS:
                break
            try:
                same = visitor.clean(CLIP) == expected
            except RefusedError:
                with lock:
                    outcome.refused += 1
                time.sleep(1)
                continue
            with lock:
                outcome.right += same
                outcome.wrong += not same
                outcome.waits.append(time.monotonic() - began)
            return
        with lock:
            outcome.wrong += 1

    attackers = [
        threading.Thread(target=attack, args=(server, f"203.0.113.{n + 1}", over))
        for n in range(hostile)
    ]
    for attacker in attackers:
        attacker.start()
    try:
        with ThreadPoolExecutor(clients) as threads:
            list(threads.map(visit, range(clients)))
    finally:
        over.set()
        for attacker in attackers:
            attacker.join()
    time.sleep(2)
    outcome.memory = server.memory()
    return outcome


def attack(server: Server, address: str, over: threading.Event) -> None:
    """What fell the demo once: endless headers, many jobs, large bodies, jobs left alone."""
    visitor = Visitor(server, address)
    with tempfile.TemporaryDirectory() as folder:
        loop, lie, long = (Path(folder, name) for name in ("loop.caf", "lie.wav", "long.wav"))
        loop.write_bytes(b"caff\x00\x01\x00\x00" + struct.pack(">4sq", b"free", -12))
        lie.write_bytes(b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\1\0\xff\0" + bytes(40))
        # two minutes of silence, never waited for
        header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + 3_840_000, b"WAVE", b"fmt ", 16,
                             1, 1, 16_000, 32_000, 2, 16, b"data", 3_840_000)  # fmt: skip
        long.write_bytes(header + bytes(3_840_000))
        for number in range(HOSTILE_REQUESTS):
            if over.is_set():
                return
            with suppress(RefusedError, httpx.HTTPError):
                match number % 5:
                    case 0:
                        visitor.clean(loop)
                    case 1:
                        visitor.clean(lie)
                    case 2:
                        visitor.client.post("/gradio_api/queue/join", content=b"[" * (3 << 20))
                    case 3:
                        uploaded = visitor.upload(long)
                        for _ in range(8):
                            visitor.ask(uploaded)
                    case 4:
                        visitor.client.post("/gradio_api/upload", content=b"--x" * 1000)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hostile", type=int, default=5)
    options = parser.parse_args()
    with served("--public") as server:
        server.start_live()
        expected = Visitor(server, "192.0.2.1").clean(CLIP)
        began = server.memory()
        print(f"memory after one recording: {began:.0f} MiB")
        calm = [run_round(server, options.clients, expected) for _ in range(options.rounds)]
        for number, outcome in enumerate(calm, 1):
            print(f"round {number}: {outcome}")
        beside = run_round(server, options.clients, expected, options.hostile)
        print(f"beside {options.hostile} hostile visitors: {beside}")
        after = run_round(server, options.clients, expected)
        print(f"after they are gone: {after}")
        rounds = [*calm, beside, after]
    return int(any(r.wrong or r.right != options.clients for r in rounds))


if __name__ == "__main__":
    sys.exit(main())
