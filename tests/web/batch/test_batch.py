"""Many recordings over the network interface, and what becomes of a batch that is left alone."""

import base64
import csv
import io
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path, PurePosixPath

import httpx
import numpy as np
import pytest
from anyio.from_thread import start_blocking_portal
from gradio.utils import get_upload_folder

from films import two_track_film
from frcrn_app.audio import Audio, load_audio, loudness, save_audio
from frcrn_app.errors import AudioError
from frcrn_app.web.batch.batch import Batch
from frcrn_app.web.batch.settings import Settings
from paths import ROOT
from recordings import RATE, noise

SECOND = Audio(noise(RATE), RATE)
API_TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> Path:
    """Two folders of recordings, one of which is none, and one with a name like a formula."""
    folder = tmp_path_factory.mktemp("recordings")
    save_audio(folder / "one" / "=1+2.wav", SECOND, format="wav16")
    save_audio(folder / "two" / "第二集.flac", SECOND, format="flac")
    (folder / "two" / "broken.wav").write_bytes(b"RIFF\x10\0\0\0WAVE")
    return folder


@pytest.fixture(scope="module")
def archive(recordings) -> Path:
    path = recordings.parent / "recordings.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted(recordings.rglob("*.*")):
            packed.write(file, file.relative_to(recordings))
    return path


@pytest.fixture
def batch(demo):
    """A function that begins a batch of copies of a recording, as a page does."""
    begun = []

    def begin(count: int, **settings) -> Batch:
        found = Batch(demo.engine, Settings(**settings), 20)
        begun.append(found)
        sent = Path(get_upload_folder(), found.ticket + "-sent")
        files = [
            (PurePosixPath(f"{n}.wav"), save_audio(sent / f"{n}.wav", SECOND, format="wav16"))
            for n in range(count)
        ]
        found.add(iter(files))
        return found

    yield begin
    for one in begun:
        one.delete()
        assert not one.folder.exists()


def states(shown: dict) -> list[str]:
    return [row["state"] for row in shown["rows"]]


def test_files_are_answered_as_they_finish_and_come_back_in_one_archive(demo, archive, tmp_path):
    from gradio_client import Client, handle_file

    single = save_audio(tmp_path / "talk.wav", SECOND, format="wav16")
    client = Client(demo.address, verbose=False)
    files = [handle_file(path) for path in (archive, single)]
    job = client.submit(files, loudness="-23 LUFS", output_format="flac", api_name="/batch")
    *rows, (total, _, packed) = list(job)
    named = {row["name"]: (row, file) for row, file, _ in rows}
    assert set(named) == {"one/=1+2.wav", "two/第二集.flac", "two/broken.wav", "talk.wav"}
    broken, nothing = named["two/broken.wav"]
    assert (broken["state"], nothing) == ("failed", None)
    assert "broken.wav" in broken["message"]
    cleaned = load_audio(named["talk.wav"][1])
    assert cleaned.samples.shape == SECOND.samples.shape
    assert loudness(cleaned.samples, RATE) == pytest.approx(-23, abs=0.5)
    assert (total["count"], total["done"], total["failed"]) == (4, 3, 1)
    with zipfile.ZipFile(packed) as opened:
        names = set(opened.namelist())
        table = opened.read("scores.csv").decode("utf-8")
    assert names == {"one/=1+2.flac", "two/第二集.flac", "talk.flac", "scores.csv"}
    assert table.startswith("\ufeff")
    lines = {line["file"]: line for line in csv.DictReader(io.StringIO(table[1:]))}
    assert "two/broken.wav" in lines
    assert lines["talk.wav"]["result"] == "talk.flac"
    assert 1 <= float(lines["talk.wav"]["cleaned.OVRL"]) <= 5


def test_the_documented_python_works(demo, tmp_path):
    example = re.search(r"## Many recordings.*?```python\n(.*?)```", API_TEXT, re.DOTALL)[1]
    for name in ("first.wav", "second.wav"):
        save_audio(tmp_path / name, SECOND, format="wav16")
    program = example.replace("http://127.0.0.1:7860", demo.address)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=120)
    with zipfile.ZipFile(tmp_path / "cleaned.zip") as opened:
        assert {"first.wav", "second.wav"} < set(opened.namelist())


def test_a_batch_rests_while_nobody_follows_it_and_goes_on_when_someone_does(batch):
    found = batch(3)
    looks = iter([False, False, True])
    for _ in found.follow(lambda: next(looks, True)):
        pass
    while not found.is_idle:
        time.sleep(0.05)
    rested = states(found.shown())
    assert "waiting" in rested
    assert not {"reading", "cleaning", "scoring", "failed"} & set(rested)
    *_, last = found.follow(lambda: False)
    assert states(last) == ["done"] * 3


def test_files_can_be_cancelled_and_tried_again(batch):
    found = batch(2)
    found.cancel(1)
    *_, last = found.follow(lambda: False)
    assert states(last) == ["done", "cancelled"]
    assert last["total"]["cancelled"] == 1
    found.try_again(1)
    *_, last = found.follow(lambda: False)
    assert states(last) == ["done", "done"]


def test_a_recording_that_is_too_long_is_told_the_limit(demo, batch):
    found = batch(1)
    long = Audio(noise(21 * RATE), RATE)
    sent = save_audio(Path(get_upload_folder(), "long", "long.wav"), long, format="wav16")
    found.add(iter([(PurePosixPath("long.wav"), sent)]))
    *_, last = found.follow(lambda: False)
    assert states(last) == ["done", "failed"]
    assert "20 seconds" in last["rows"][1]["message"]


def test_several_tracks_and_channels_that_cancel_are_told(batch):
    sent = Path(get_upload_folder(), "told")
    sent.mkdir()
    opposite = Audio(np.concatenate([SECOND.samples, -SECOND.samples]), RATE)
    files = [
        two_track_film(sent / "film.mkv"),
        save_audio(sent / "opposite.wav", opposite, format="wav16"),
    ]
    found = batch(0)
    found.add(iter([(PurePosixPath(file.name), file) for file in files]))
    *_, last = found.follow(lambda: False)
    assert states(last) == ["done", "done"]
    assert "2 audio tracks" in last["rows"][0]["notes"][0]
    assert "cancel each other" in last["rows"][1]["scores"]["error"]


def test_an_archive_of_zeros_is_refused_and_leaves_nothing(demo, batch, tmp_path):
    sent = Path(get_upload_folder(), "zeros", "zeros.zip")
    sent.parent.mkdir()
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("silence.wav", bytes(65 << 20))
    found = batch(0)
    found.add(iter([(PurePosixPath("zeros.zip"), sent)]))
    *_, last = found.follow(lambda: False)
    assert states(last) == ["failed"]
    assert "100 times its size" in last["rows"][0]["message"]
    left = [path for path in found.folder.rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["zeros.zip"]  # as it was sent


def test_a_finished_file_opens_in_the_player(demo, batch):
    found = batch(1)
    demo.batches.keep(found)
    for _ in found.follow(lambda: False):
        pass
    address = f"{demo.address}/frcrn/batch/{found.ticket}"
    shown = httpx.get(f"{address}/0/player", timeout=60).json()
    assert shown["seconds"] == 1
    for version in ("original", "cleaned"):
        assert len(shown["peaks"][version]) > 100
        answer = httpx.get(f"{demo.address}/{shown[version]}")
        assert answer.headers["content-type"].startswith("audio/")
    assert httpx.get(f"{address}/0/in/0.wav").status_code == 404
    assert httpx.get(f"{address}/0/result").content == found.row(0).result.read_bytes()
    assert httpx.get(f"{address}/7/result").status_code == 404
    gone = httpx.get(
        f"{demo.address}/frcrn/batch/{'0' * 32}/cleaned.zip", headers={"accept-language": "zh-CN"}
    )
    assert gone.status_code == 404
    assert "删除" in gone.text


def test_only_uploads_are_read(demo):
    from frcrn_app.web.batch.intake import uploads

    for path in ("/etc/passwd", str(ROOT / "README.md"), f"{get_upload_folder()}/../../etc/passwd"):
        with pytest.raises(AudioError):
            list(uploads([{"path": path, "name": "talk.wav"}]))


def test_assistants_find_and_use_the_documented_endpoints_alone(demo, tmp_path):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    recording = save_audio(tmp_path / "talk.wav", SECOND, format="wav16").read_bytes()
    sound = "data:audio/wav;base64," + base64.b64encode(recording).decode()

    async def ask():
        address = f"{demo.address}/gradio_api/mcp/"
        async with (
            streamable_http_client(address) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
            return tools, await session.call_tool("denoise", {"audio": sound})

    with start_blocking_portal() as elsewhere:  # this thread may have a browser's loop
        tools, answer = elsewhere.call(ask)
    assert {tool.name for tool in tools} == {"denoise", "batch", "evaluate"}
    assert all(tool.description for tool in tools)
    assert not answer.isError
    said = " ".join(part.text for part in answer.content)
    assert '"seconds": 1.0' in said.replace("'", '"')


def test_the_events_of_a_page_begin_a_batch_find_it_again_and_delete_it(demo, tmp_path):
    """As assets/batch/batch.js sends them, without a browser."""
    path = save_audio(tmp_path / "talk.wav", SECOND, format="wav16")

    def happens(event: str, **wish) -> str:
        """All that the server answers to an event of the table."""
        dependencies = demo.config["dependencies"]
        table = next(c["id"] for c in demo.config["components"] if _elem_id(c) == "batch")
        found = next(d for d in dependencies if [table, event] in map(list, d["targets"]))
        values = {c["id"]: c["props"].get("value") for c in demo.config["components"]}
        ask = {
            "data": [values[one] for one in found["inputs"]],
            "fn_index": found["id"],
            "event_data": wish,
            "session_hash": event,
        }
        httpx.post(f"{demo.address}/gradio_api/queue/join", json=ask).raise_for_status()
        answers = f"{demo.address}/gradio_api/queue/data?session_hash={event}"
        return httpx.get(answers, timeout=120).text

    with path.open("rb") as file:
        upload = httpx.post(f"{demo.address}/gradio_api/upload", files={"files": file}).json()[0]
    said = happens("send", files=[{"path": upload, "name": "season/talk.wav"}])
    ticket = re.search(r'"ticket":\s*"([0-9a-f]{32})"', said)[1]
    assert [row.state for row in demo.batches.find(ticket).rows] == ["done"]
    assert "season/talk.wav" in happens("resume", ticket=ticket)
    happens("send", ticket=ticket, files=[{"path": "/etc/passwd", "name": "x.wav"}])
    assert len(demo.batches.find(ticket).rows) == 1
    happens("discard", ticket=ticket)
    with pytest.raises(AudioError):
        demo.batches.find(ticket)


def _elem_id(component: dict) -> str | None:
    return component["props"].get("elem_id")
