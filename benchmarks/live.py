"""How many live visitors this machine serves: N clients at once over the page's own WebSocket.

    python benchmarks/live.py --clients 8 --seconds 60

starts a demo on a free port of the loopback interface and lets every client send 20 ms of speech
every 20 ms, as the live tab does. It prints who was served and who was told to wait, how late the
cleaned audio was, and how much of it came too late to be played or never.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from frcrn_app.audio import load_audio  # noqa: E402
from load.load import served  # noqa: E402

CLIP = ROOT / "examples" / "pairs" / "noisy" / "english_fan.flac"
HOP = 320  # samples of a message
FRAME = HOP / 16_000  # seconds
SETTLED = 50  # frames after which delays are counted
PLAYED_WITHIN = 0.06  # seconds after the median, for which a jitter buffer would wait
START_SECONDS = 60.0  # for the network to be loaded


@dataclass
class Client:
    """What one client saw."""

    place: int = 0  # in the queue, 0 where it was served
    sent: dict[int, float] = field(default_factory=dict)  # by number of the frame, seconds
    late: dict[int, float] = field(default_factory=dict)  # between a frame's end and its return

    @property
    def delays(self) -> np.ndarray:
        return np.array([late for number, late in self.late.items() if number >= SETTLED])

    @property
    def missed(self) -> int:
        """Frames that never came, or too late; the last second is still on its way."""
        deadline = float(np.median(self.delays)) + PLAYED_WITHIN
        counted = [number for number in self.sent if SETTLED <= number < len(self.sent) - SETTLED]
        return sum(self.late.get(number, 1e9) > deadline for number in counted)


async def visit(address: str, seconds: float, together: asyncio.Event) -> Client:
    """One client, from hello until its time is over."""
    client = Client()
    speech = np.rint(load_audio(CLIP).samples[0] * 32_767).astype("<i2")
    hello = json.dumps({"kind": "hello", "rate": 16_000, "frame": HOP})
    async with connect(address, compression=None, max_queue=None) as socket:
        await socket.send(hello)
        while True:
            said = json.loads(await asyncio.wait_for(socket.recv(), START_SECONDS))
            if said["kind"] == "ready":
                break
            if said["kind"] == "waiting":
                client.place = said["place"]
                await together.wait()
                return client
        listening = asyncio.create_task(_listen(socket, client))
        began, number = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            await asyncio.sleep(max(0.0, began + (number + 1) * FRAME - time.monotonic()))
            start = number * HOP % (len(speech) - HOP)
            client.sent[number] = time.monotonic()
            heard = max(client.late, default=0)
            pcm = speech[start : start + HOP].tobytes()
            await socket.send(struct.pack("<II", number, heard) + pcm)
            number += 1
        listening.cancel()
    return client


async def _listen(socket, client: Client) -> None:
    async for message in socket:
        if isinstance(message, bytes):
            (number,) = struct.unpack_from("<I", message)
            client.late[number] = time.monotonic() - client.sent[number]


async def run(address: str, clients: int, seconds: float) -> list[Client]:
    over = asyncio.Event()
    visits = [asyncio.create_task(visit(address, seconds, over)) for _ in range(clients)]
    asyncio.get_running_loop().call_later(seconds + 2, over.set)
    return await asyncio.gather(*visits)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--live-weights", default="auto", help="causal weights (default: embedded)")
    parser.add_argument("--live-visitors", help="places (default: as many as are measured to fit)")
    options = parser.parse_args()
    arguments = ["--live-weights", options.live_weights]
    if options.live_visitors:
        arguments += ["--live-visitors", options.live_visitors]
    with served(*arguments) as server:
        server.start_live()  # after the warm-up of everything else
        time.sleep(2)
        address = server.address.replace("http", "ws", 1) + "/frcrn/live"
        found = asyncio.run(run(address, options.clients, options.seconds))
    live = [client for client in found if client.sent]
    print(f"{len(live)} served, {len(found) - len(live)} told to wait; {options.seconds:g} s each")
    print("| client | frames | missed | ms late, median | 99th percentile | largest |")
    print("| --- | --- | --- | --- | --- | --- |")
    for number, client in enumerate(live, 1):
        median, most = np.percentile(1000 * client.delays, (50, 99))
        print(
            f"| {number} | {len(client.sent)} | {client.missed} | {median:.0f} | {most:.0f} "
            f"| {1000 * client.delays.max():.0f} |"
        )
    return int(any(client.missed for client in live))


if __name__ == "__main__":
    sys.exit(main())
