"""Official weights arrive whole, from a hub that a server on loopback plays with all its faults."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from frcrn_app.errors import Cancelled, CheckpointError
from frcrn_app.weights import OFFICIAL, download, fetch_weights, hub, list_weights
from paths import ROOT

CONTENT = np.random.default_rng(0).bytes(3_000_000)
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()
MODELSCOPE = replace(OFFICIAL["frcrn-16k"], size=len(CONTENT), sha256=CHECKSUM)
HUGGING_FACE = replace(OFFICIAL["frcrn-se-16k"], size=len(CONTENT), sha256=CHECKSUM)


class Hub:
    """A file server whose answers can be scripted: each request takes the next of `answers`."""

    def __init__(self):
        self.answers = []  # functions of the request; when there are no more, `serve`
        self.requests = []  # (path, headers)
        hub_server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                hub_server.requests.append((self.path, dict(self.headers)))
                answer = hub_server.answers.pop(0) if hub_server.answers else serve
                try:
                    answer(self)
                except OSError:  # the client has gone
                    self.close_connection = True

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *args: None  # clients that die are meant here
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    @property
    def ranges(self) -> list[int]:
        """First byte that each request asked for."""
        return [
            int(re.fullmatch(r"bytes=(\d+)-", headers.get("Range", "bytes=0-"))[1])
            for _, headers in self.requests
        ]


def respond(request, status: int, headers: dict, body: bytes) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    if "Content-Length" not in headers:
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def asked_part(request, content: bytes) -> tuple[int, dict, bytes]:
    """Status, headers and body that a hub gives to a request with or without a range."""
    match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
    if match is None:
        return 200, {}, content
    start = int(match[1])
    if start >= len(content):
        return 416, {"Content-Range": f"bytes */{len(content)}"}, b""
    last = len(content) - 1
    return 206, {"Content-Range": f"bytes {start}-{last}/{len(content)}"}, content[start:]


def serve(request, content: bytes = CONTENT) -> None:
    respond(request, *asked_part(request, content))


def serve_wrong_bytes(request) -> None:
    serve(request, bytes(len(CONTENT)))


def serve_without_ranges(request) -> None:
    respond(request, 200, {}, CONTENT)


def cut_after(count: int):
    """The connection ends after `count` bytes of an answer that promised more."""

    def answer(request):
        status, headers, body = asked_part(request, CONTENT)
        respond(request, status, {**headers, "Content-Length": str(len(body))}, body[:count])
        request.close_connection = True

    return answer


def status(code: int):
    return lambda request: respond(request, code, {}, b"no")


def redirect_to(url: str):
    return lambda request: respond(request, 302, {"Location": url}, b"")


@pytest.fixture
def server(monkeypatch):
    server = Hub()
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("MODELSCOPE_API_TOKEN", raising=False)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", server.url)
    monkeypatch.setattr(download, "FIRST_PAUSE", 0.001)
    yield server
    server.close()


def fetched(folder: Path, progress=None) -> bytes:
    return hub.fetch(MODELSCOPE, folder, progress).read_bytes()


def test_a_file_lands_whole_under_the_name_it_has_on_the_hub(server, tmp_path):
    path = hub.fetch(MODELSCOPE, tmp_path)
    assert path == tmp_path / "frcrn-16k" / "pytorch_model.bin"
    assert path.read_bytes() == CONTENT
    assert not path.with_name("pytorch_model.bin.part").exists()
    assert server.requests[0][0] == (
        "/api/v1/models/damo/speech_frcrn_ans_cirm_16k/repo"
        "?Revision=master&FilePath=pytorch_model.bin"
    )


def test_progress_grows_to_the_whole(server, tmp_path):
    steps = []
    fetched(tmp_path, lambda done, total: steps.append((done, total)))
    done = [step[0] for step in steps]
    assert done == sorted(done)
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert len(steps) > 5


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    fetched(tmp_path)
    fetched(tmp_path)
    assert len(server.requests) == 1


def test_a_wrong_file_that_is_there_is_replaced(server, tmp_path):
    path = MODELSCOPE.path_in(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half of it")
    assert fetched(tmp_path) == CONTENT


@pytest.mark.parametrize("cuts", [[0], [1], [500_000], [100_000, 0, 1_000_000, 0, 0]])
def test_cut_connections_resume_where_they_stopped(cuts, server, tmp_path):
    server.answers = [cut_after(count) for count in cuts]
    assert fetched(tmp_path) == CONTENT
    # What the client received of an answer may end at a whole piece: never more than was sent.
    sent = np.cumsum([0, *cuts])
    assert (np.array(server.ranges) <= sent).all()
    if max(cuts) > 2 * download.PIECE:
        assert server.ranges[-1] > 0


def test_a_connection_that_never_gets_further_is_given_up(server, tmp_path):
    server.answers = [cut_after(300_000)] + [cut_after(0)] * 20
    with pytest.raises(CheckpointError, match="by hand"):
        fetched(tmp_path)
    assert len(server.requests) == 2 + download.RETRIES


def test_what_a_stopped_download_had_is_used_later(server, tmp_path):
    def stop(done, total):
        if done > 1_000_000:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetched(tmp_path, stop)
    assert not MODELSCOPE.path_in(tmp_path).exists()
    assert fetched(tmp_path) == CONTENT
    assert server.ranges[1] > 1_000_000


def test_a_hub_without_ranges_sends_the_whole_again(server, tmp_path):
    server.answers = [cut_after(1_000_000), serve_without_ranges]
    assert fetched(tmp_path) == CONTENT


def test_an_answer_that_begins_elsewhere_is_not_appended(server, tmp_path):
    def from_the_wrong_byte(request):
        last = len(CONTENT) - 1
        headers = {"Content-Range": f"bytes 7-{last}/{len(CONTENT)}"}
        respond(request, 206, headers, CONTENT[7:])

    server.answers = [cut_after(1_000_000), from_the_wrong_byte]
    assert fetched(tmp_path) == CONTENT


def test_a_part_that_is_too_long_is_started_anew(server, tmp_path):
    path = MODELSCOPE.path_in(tmp_path)
    path.parent.mkdir(parents=True)
    path.with_name(f"{path.name}.part").write_bytes(CONTENT + b"more")
    assert fetched(tmp_path) == CONTENT


@pytest.mark.parametrize("code", [408, 416, 429, 500, 503])
def test_a_passing_fault_of_the_hub_is_tried_again(code, server, tmp_path):
    server.answers = [status(code), status(code)]
    assert fetched(tmp_path) == CONTENT


def test_wrong_bytes_are_refused_and_removed(server, tmp_path):
    server.answers = [serve_wrong_bytes]
    wrong = hashlib.sha256(bytes(len(CONTENT))).hexdigest()
    with pytest.raises(CheckpointError, match=rf"its sha256 is {wrong}\. It was removed") as caught:
        fetched(tmp_path)
    assert CHECKSUM in str(caught.value)
    assert [path.name for path in (tmp_path / "frcrn-16k").iterdir()] == ["pytorch_model.bin.lock"]
    assert fetched(tmp_path) == CONTENT


@pytest.mark.parametrize("body", [b"<html>Please log in to this network</html>", CONTENT + b"x"])
def test_a_file_of_another_size_is_refused_before_it_is_taken(body, server, tmp_path):
    server.answers = [lambda request: respond(request, 200, {}, body)]
    with pytest.raises(CheckpointError, match=f"it has {len(body)} bytes, not 3000000"):
        fetched(tmp_path)
    assert not MODELSCOPE.path_in(tmp_path).exists()


def test_an_endless_answer_is_cut_off(server, tmp_path):
    def endless(request):
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        while True:
            request.wfile.write(b"%x\r\n" % len(CONTENT) + CONTENT + b"\r\n")

    server.answers = [endless]
    with pytest.raises(CheckpointError, match="goes on after 3000000 bytes"):
        fetched(tmp_path)
    assert not MODELSCOPE.path_in(tmp_path).with_name("pytorch_model.bin.part").exists()


@pytest.mark.parametrize("code", [404, 410])
def test_a_file_that_the_hub_has_not_is_said(code, server, tmp_path):
    server.answers = [status(code)]
    with pytest.raises(CheckpointError, match=rf"no such file \(HTTP {code}\).*by hand"):
        fetched(tmp_path)
    assert len(server.requests) == 1


def test_a_refusal_names_the_token_to_set(server, tmp_path):
    server.answers = [status(403)]
    with pytest.raises(CheckpointError, match="set MODELSCOPE_API_TOKEN"):
        fetched(tmp_path)


def test_a_slow_hub_is_waited_for(server, tmp_path):
    def slow(request):
        piece = len(CONTENT) // 10
        request.send_response(200)
        request.send_header("Content-Length", str(len(CONTENT)))
        request.end_headers()
        for start in range(0, len(CONTENT), piece):
            request.wfile.write(CONTENT[start : start + piece])
            time.sleep(0.02)

    server.answers = [slow]
    assert fetched(tmp_path) == CONTENT


def test_a_hub_that_falls_silent_is_asked_again(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    silence = threading.Event()

    def fall_silent(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(CONTENT)))
        request.end_headers()
        request.wfile.write(CONTENT[:600_000])
        silence.wait(20)
        request.close_connection = True

    server.answers = [fall_silent]
    try:
        assert fetched(tmp_path) == CONTENT
    finally:
        silence.set()
    assert 0 < server.ranges[1] <= 600_000


def test_redirects_are_followed_and_tokens_stay_behind(server, tmp_path, monkeypatch):
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", "secret")
    store = Hub()
    try:
        server.answers = [redirect_to("/elsewhere"), redirect_to(f"{store.url}/store/model")]
        assert fetched(tmp_path) == CONTENT
    finally:
        store.close()
    assert server.requests[0][1]["Cookie"] == "m_session_id=secret"
    assert store.requests[0][0] == "/store/model"
    assert "secret" not in str(store.requests)


def test_redirects_in_a_circle_are_given_up(server, tmp_path):
    server.answers = [redirect_to("/around")] * 100
    with pytest.raises(CheckpointError, match=r"[Rr]edirect"):
        fetched(tmp_path)


def test_the_proxy_of_the_environment_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("HTTP_PROXY", server.url)
    assert fetched(tmp_path) == CONTENT
    assert server.requests[0][0].startswith("http://hub.invalid/api/")


def test_without_a_network_it_says_how_to_install_by_hand(server, tmp_path, monkeypatch):
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9")  # the discard port: closed
    with pytest.raises(CheckpointError) as caught:
        fetched(tmp_path)
    message = str(caught.value)
    assert "download pytorch_model.bin from https://modelscope.cn" in message
    assert str(tmp_path / "frcrn-16k" / "pytorch_model.bin") in message
    assert CHECKSUM in message
    assert "embedded weights keep working" in message


@pytest.mark.parametrize(
    ("answer", "code", "chinese"),
    [
        (None, "weights.hub_silent", "连接被拒绝"),
        (status(403), "weights.hub_account", "请设置 MODELSCOPE_API_TOKEN"),
        (status(404), "weights.hub_no_file", "没有这个文件（HTTP 404）"),
        (status(500), "weights.hub_silent", "（HTTP 500）"),
        (serve_wrong_bytes, "weights.hub_other_bytes", "已删除"),
    ],
)
def test_what_went_wrong_is_said_in_chinese(answer, code, chinese, server, tmp_path, monkeypatch):
    server.answers = [answer] * 20
    if answer is None:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CheckpointError) as caught:
        fetched(tmp_path)
    assert caught.value.fields["problem"].code == code
    sentence = caught.value.sentence("zh", lambda path: path.name)
    assert chinese in sentence
    assert "没有它，内置权重仍可使用。" in sentence
    assert CHECKSUM in sentence
    assert str(tmp_path) not in sentence  # a public page does not tell where things lie


@pytest.mark.parametrize("endpoint", ["http://", "ftp://host", "http://host:notaport", "::::"])
def test_a_senseless_endpoint_is_a_sentence(endpoint, server, tmp_path, monkeypatch):
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", endpoint)
    with pytest.raises(CheckpointError, match="by hand"):
        fetched(tmp_path)


def test_a_full_disk_is_noticed_before_the_download(server, tmp_path, monkeypatch):
    usage = type("usage", (), {"free": 1_000_000})
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(CheckpointError, match="1 MB free and frcrn-16k needs 3 MB"):
        fetched(tmp_path)
    assert server.requests == []


def test_a_folder_that_cannot_be_written_is_said(server, tmp_path):
    (tmp_path / "weights").write_text("a file where the folder should be")
    with pytest.raises(CheckpointError, match="set FRCRN_WEIGHTS_DIR"):
        fetched(tmp_path / "weights")


def test_fetched_weights_are_listed_as_present(server, tmp_path, monkeypatch):
    monkeypatch.setenv("FRCRN_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setitem(OFFICIAL, "frcrn-16k", MODELSCOPE)
    entry = fetch_weights("frcrn-16k")
    assert entry.present
    assert entry in list_weights()


def test_a_name_that_cannot_be_fetched_lists_those_that_can():
    with pytest.raises(CheckpointError, match="frcrn-16k, frcrn-se-16k"):
        fetch_weights("frcrn-small")


# Processes of their own: the environment as huggingface_hub reads it, death, and each other.

SCRIPT = f"""
import sys
from pathlib import Path
from frcrn_app.weights import hub
from frcrn_app.errors import CheckpointError
official = hub.OFFICIAL[sys.argv[1]]
official = type(official)(**{{**vars(official), "size": {len(CONTENT)}, "sha256": "{CHECKSUM}"}})
try:
    hub.fetch(official, Path(sys.argv[2]), lambda done, total: print(done, flush=True))
except CheckpointError as error:
    sys.exit(str(error))
"""


def start(name: str, folder: Path, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, name, str(folder)],
        env={**os.environ, "HF_HOME": str(folder / "home"), **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_hugging_face_is_asked_at_its_mirror_with_its_token(server, tmp_path):
    store = Hub()
    try:
        server.answers = [redirect_to(f"{store.url}/store/blob")]
        process = start("frcrn-se-16k", tmp_path, HF_ENDPOINT=server.url, HF_TOKEN="hf_secret")
        _, complaint = process.communicate(timeout=60)
    finally:
        store.close()
    assert process.returncode == 0, complaint
    assert HUGGING_FACE.path_in(tmp_path).read_bytes() == CONTENT
    path, headers = server.requests[0]
    assert path == "/alibabasglab/FRCRN_SE_16K/resolve/main/last_best_checkpoint.pt"
    assert headers["Authorization"] == "Bearer hf_secret"
    assert "hf_secret" not in str(store.requests)


def test_hugging_face_offline_mode_is_respected(server, tmp_path):
    process = start("frcrn-se-16k", tmp_path, HF_ENDPOINT=server.url, HF_HUB_OFFLINE="1")
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "offline mode is enabled" in complaint
    assert "put it at" in complaint
    assert server.requests == []


def test_a_killed_download_is_resumed_by_the_next_process(server, tmp_path):
    hold = threading.Event()

    def stop_halfway(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(CONTENT)))
        request.end_headers()
        request.wfile.write(CONTENT[:2_000_000])
        hold.wait(60)
        request.close_connection = True

    server.answers = [stop_halfway]
    process = start("frcrn-16k", tmp_path)
    for line in process.stdout:
        if int(line) > 1_000_000:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    hold.set()
    assert not MODELSCOPE.path_in(tmp_path).exists()
    assert fetched(tmp_path) == CONTENT
    assert server.ranges[1] > 500_000


def test_two_processes_fetch_one_file_once(server, tmp_path):
    both_started = threading.Event()

    def after_both_started(request):
        both_started.wait(60)
        serve(request)

    server.answers = [after_both_started]
    processes = [start("frcrn-16k", tmp_path) for _ in range(2)]
    # The one that waits reports the other's part: then both are inside fetch.
    waiting = threading.Thread(target=lambda: wait_for_a_line(processes, both_started))
    waiting.start()
    results = [(process.wait(timeout=60), process.stderr.read()) for process in processes]
    waiting.join()
    assert [code for code, _ in results] == [0, 0], results
    assert MODELSCOPE.path_in(tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 1


def wait_for_a_line(processes: list[subprocess.Popen], event: threading.Event) -> None:
    import selectors

    with selectors.DefaultSelector() as selector:
        for process in processes:
            selector.register(process.stdout, selectors.EVENT_READ)
        selector.select(timeout=50)
    event.set()
