"""Recordings and results at addresses, as fsspec opens them."""

import functools
import http.server
import socket
import threading

import fsspec
import numpy as np
import pytest
import soundfile

from frcrn_app import load_audio
from frcrn_app.audio import Tags
from frcrn_app.batch import RunOptions, denoise_files, place_of, plan_files
from frcrn_app.batch.addresses import fetched
from frcrn_app.batch.ledger import Ledger
from frcrn_app.errors import AudioError

pytest.importorskip("upath", reason="needs universal-pathlib (frcrn-app[remote])")


def untouched(audio, strength=1.0, progress=None):
    return audio


@pytest.fixture
def bucket(tmp_path):
    """An address in memory with two recordings in a tree, a damaged one and other things."""
    files = fsspec.filesystem("memory")
    for name, seconds in (("day 1/talk.flac", 0.5), ("über.wav", 0.3)):
        path = tmp_path / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(0).normal(0, 0.1, int(seconds * 16_000))
        soundfile.write(path, samples, 16_000)
        files.pipe_file(f"/bucket/in/{name}", path.read_bytes())
    files.pipe_file("/bucket/in/broken.wav", b"\x89PNG\r\n\x1a\n" + bytes(200))
    files.pipe_file("/bucket/in/.hidden.wav", b"")
    files.pipe_file("/bucket/in/notes.txt", b"take 2")
    yield "memory://bucket"
    files.rm("/bucket", recursive=True)


def test_a_tree_at_an_address_is_cleaned_into_another(bucket):
    results = denoise_files([f"{bucket}/in"], f"{bucket}/out", untouched, format="wav16")
    assert {result.source.name: result.status for result in results} == {
        "broken.wav": "failed",
        "talk.flac": "cleaned",
        "über.wav": "cleaned",
    }
    [failed] = [result for result in results if result.status == "failed"]
    assert "memory://bucket/in/broken.wav" in str(failed.error)  # not a temporary file's name
    files = fsspec.filesystem("memory")
    assert files.find("/bucket/out") == ["/bucket/out/day 1/talk.wav", "/bucket/out/über.wav"]
    with fetched(place_of(f"{bucket}/out/day 1/talk.wav")) as path:
        assert load_audio(path).duration == 0.5
    plan = plan_files([f"{bucket}/in"], f"{bucket}/out", format="wav16")
    assert [job.source.name for job in plan.jobs] == ["broken.wav"]
    assert len(plan.present) == 2
    assert sorted(place.name for place in plan.ignored) == [".hidden.wav", "notes.txt"]


def test_tags_come_along_and_files_of_this_machine_go_to_addresses(bucket, tmp_path):
    path = tmp_path / "tagged.flac"
    with soundfile.SoundFile(path, "w", 16_000, 1) as file:
        file.title = "A talk"
        file.write(np.zeros(1600))
    [result] = denoise_files([path], f"{bucket}/out", untouched)
    with fetched(result.target) as local:
        tags: Tags = load_audio(local).tags
    assert ("title", "A talk") in tags.fields


def test_recordings_of_the_web_are_cleaned(tmp_path):
    pytest.importorskip("aiohttp", reason="fsspec opens http addresses by aiohttp")
    soundfile.write(tmp_path / "talk.wav", np.zeros(8_000), 16_000)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        sources = [f"{address}/talk.wav"]
        [result] = denoise_files(sources, tmp_path / "out", untouched)
        assert (result.status, result.target) == ("cleaned", tmp_path / "out/talk.wav")
        with pytest.raises(AudioError) as told:
            plan_files([f"{address}/nothing.wav"], tmp_path / "out")
        assert told.value.code in ("batch.nothing_there", "batch.not_reached")
        server.shutdown()


def test_an_address_that_nothing_opens_is_told(tmp_path):
    with pytest.raises(AudioError) as told:
        plan_files(["nosuch://bucket/in"], tmp_path)
    assert told.value.code == "batch.no_filesystem"


def test_a_ledger_stands_for_the_very_same_file_and_options(bucket, tmp_path):
    plan = plan_files([f"{bucket}/in"], f"{bucket}/out")
    results = denoise_files([f"{bucket}/in"], f"{bucket}/out", untouched)
    job = next(job for job in plan.jobs if job.source.name == "über.wav")
    [result] = [result for result in results if result.source.name == "über.wav"]
    path = tmp_path / "ledger.jsonl"
    with Ledger(path, {}, RunOptions()) as ledger:
        ledger.add(job, result)
    with path.open("ab") as file:
        file.write(b'{"planned": "to')  # torn, as where a machine stopped
    with Ledger(path, {}, RunOptions()) as ledger:
        found = ledger.find(job)
        assert found is not None
        assert (found.earlier, found.duration, found.target) == (True, 0.3, result.target)
        ledger.add(job, result)
    with Ledger(path, {}, RunOptions(strength=0.5)) as ledger:
        assert ledger.find(job) is None
    fsspec.filesystem("memory").pipe_file("/bucket/in/über.wav", b"another recording")
    with Ledger(path, {}, RunOptions()) as ledger:
        assert ledger.find(job) is None


@pytest.mark.parametrize("scheme", ["http", "ftp"])
def test_a_server_that_does_not_answer_is_told_as_such(tmp_path, scheme):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        address = f"{scheme}://127.0.0.1:{nobody.getsockname()[1]}/talk.wav"
        with pytest.raises(AudioError) as refused:
            plan_files([address], tmp_path)
    assert refused.value.code == "batch.not_reached"
    assert "refused" in str(refused.value)
