"""What strangers may do to the page's server, over its network interface."""

import json
import logging
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import pytest

from frcrn_app.web.guard import bound_connections, fair_place
from frcrn_app.web.static_files import ASSETS, asset

MIB = 1 << 20


def as_from(address: str) -> dict[str, str]:
    """Headers as of a proxy on this machine that passes on a visitor's request."""
    return {"x-forwarded-for": address}


def ask(client, name: str, seconds: float = 0.0, **settings):
    return client.post("/gradio_api/call/slow", json={"data": [name, seconds]}, **settings)


def answer(client, event: str) -> str:
    with client.stream("GET", f"/gradio_api/call/slow/{event}") as stream:
        lines = [line for line in stream.iter_lines() if line.startswith("data: ")]
    return json.loads(lines[-1].removeprefix("data: "))[0]


# Bodies


def test_an_ordinary_request_is_answered(serve):
    with serve(public=True) as page:
        event = ask(page.client, "hello").json()["event_id"]
        assert answer(page.client, event) == "hello"


def test_the_page_comes_compressed_and_a_picture_as_it_is(serve):
    with serve() as page:
        sent, plain = (
            page.client.get("/", headers={"accept-encoding": how}) for how in ("gzip", "identity")
        )
        assert sent.headers["content-encoding"] == "gzip"
        assert sent.num_bytes_downloaded < 0.5 * len(plain.content)
        assert "default-src" in sent.headers["content-security-policy"]
        # Gradio's own compression is not one of what is compressed already.
        script = page.client.get(asset("common/dom.js"), headers={"accept-encoding": "gzip, br"})
        assert script.headers["content-encoding"] == "br"
        assert script.text == (ASSETS / "common/dom.js").read_text()
        picture = page.client.get(asset("favicon.png"))
        assert "content-encoding" not in picture.headers
        event = ask(page.client, "hello").json()["event_id"]
        assert answer(page.client, event) == "hello"


@pytest.mark.parametrize("stated", [True, False])
def test_a_body_that_is_too_large_is_not_read(serve, stated):
    """Whether or not its length is stated; what is beyond the limit is not even waited for."""

    def body():
        return b" " * (2 * MIB) if stated else (b" " * 65_536 for _ in range(32))

    with serve() as page:
        for path in ("queue/join", "call/slow", "component_server", "cancel"):
            refused = page.client.post(f"/gradio_api/{path}", content=body())
            assert refused.status_code == 413
            assert refused.json()["code"] == "guard.body_too_large"
        event = ask(page.client, "hello").json()["event_id"]
        assert answer(page.client, event) == "hello"


def test_an_upload_beyond_its_limit_leaves_nothing_behind(serve):
    with serve(upload_bytes=MIB) as page:
        upload = page.client.post("/gradio_api/upload", files={"files": ("a.wav", b"x" * 1000)})
        assert upload.status_code == 200
        kept = sorted(p for p in page.folder.rglob("*") if p.is_file())
        assert len(kept) == 1
        one_large = {"files": ("b.wav", b"x" * (2 * MIB))}
        assert page.client.post("/gradio_api/upload", files=one_large).status_code == 413
        many = [("files", (f"{n}.wav", b"x" * (MIB - 10))) for n in range(6)]
        refused = page.client.post("/gradio_api/upload", files=many)
        assert refused.status_code == 413
        assert sorted(p for p in page.folder.rglob("*") if p.is_file()) == kept


def test_a_full_disk_is_told_as_such(serve):
    with serve(disk_bytes=MIB) as page:
        large = {"files": ("b.wav", b"x" * (2 * MIB))}
        refused = page.client.post("/gradio_api/upload", files=large)
        assert refused.status_code == 507
        assert refused.json()["code"] == "guard.disk_full"


def test_a_disk_that_fills_up_meanwhile_is_told_as_such(serve, monkeypatch):
    import errno

    from gradio import routes

    async def full(*_args, **_settings):
        raise OSError(errno.ENOSPC, "No space left on device")

    with serve() as page:
        monkeypatch.setattr(routes, "upload_fn", full)
        refused = page.client.post("/gradio_api/upload", files={"files": ("a.wav", b"x")})
        assert refused.status_code == 507
        assert "no room" in refused.json()["detail"]


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a" * 5000 + ".wav", "\x00.wav"])
def test_no_name_of_a_file_brings_the_server_down(serve, name):
    with serve() as page:
        body = (
            b'--b\r\nContent-Disposition: form-data; name="files"; filename="'
            + name.encode()
            + b'"\r\n\r\nsound\r\n--b--\r\n'
        )
        sent = page.client.post(
            "/gradio_api/upload",
            content=body,
            headers={"content-type": "multipart/form-data; boundary=b"},
        )
        assert sent.status_code in (200, 400, 413)


def test_a_client_that_leaves_amid_its_upload_leaves_no_file(serve):
    import socket

    with serve() as page:
        host, port = page.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(
                b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
                b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
                b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'
                + b"x"
                * 5000
            )
            deadline = time.monotonic() + 60
            while not any(page.folder.glob("tmp*")) and time.monotonic() < deadline:
                time.sleep(0.02)
        deadline = time.monotonic() + 60
        while any(page.folder.glob("tmp*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(page.folder.glob("tmp*")) == []


# Fairness


def test_one_address_has_a_few_jobs_at_once_and_others_are_served(serve):
    with serve(public=True, jobs_at_once=3) as page:
        answers = [ask(page.client, "m", 60, headers=as_from("203.0.113.7")) for _ in range(80)]
        accepted = [a for a in answers if a.status_code == 200]
        refused = [a for a in answers if a.status_code == 429]
        assert len(accepted) == 3
        assert len(refused) == 77
        assert refused[0].json()["code"] == "guard.too_many_jobs"
        assert int(refused[0].headers["retry-after"]) > 0
        ours = ask(page.client, "ada", headers=as_from("198.51.100.4"))
        page.seen.hold.set()
        assert answer(page.client, ours.json()["event_id"]) == "ada"


@pytest.mark.parametrize("public", [True, False])
def test_a_crowd_is_told_when_to_come_back(serve, public):
    with serve(public=public, waiting=2) as page:
        answers = [
            ask(page.client, str(n), 60, headers=as_from(f"203.0.113.{n}")) for n in range(6)
        ]
        last = answers[-1]
        assert last.status_code == 429
        assert last.json()["code"] == "guard.busy"
        assert "busy: 2 requests are waiting" in last.json()["detail"]
        assert int(last.headers["retry-after"]) > 0
        page.seen.hold.set()
        assert answer(page.client, answers[1].json()["event_id"]) == "1"  # whoever waits is served


def test_a_second_job_waits_behind_everybodys_first(serve):
    with serve(public=True) as page:
        for name, address in [
            ("m1", "203.0.113.7"), ("m2", "203.0.113.7"), ("m3", "203.0.113.7"),
            ("a1", "198.51.100.4"), ("b1", "192.0.2.1"), ("a2", "198.51.100.4"),
        ]:  # fmt: skip
            response = ask(page.client, name, 60, headers=as_from(address))
            assert response.status_code == 200
            if name == "m1":  # under way before the others come
                deadline = time.monotonic() + 60
                while not page.seen.order and time.monotonic() < deadline:
                    time.sleep(0.02)
        page.seen.hold.set()
        deadline = time.monotonic() + 60
        while len(page.seen.order) < 6 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert page.seen.order == ["m1", "a1", "b1", "m2", "a2", "m3"]


def test_places_in_the_queue():
    assert fair_place([], "a", {}) == 0
    assert fair_place(["m", "m", "m"], "a", {}) == 1
    assert fair_place(["m", "a", "m", "m"], "a", {}) == 3
    assert fair_place(["m", "m"], "a", {"m": 1}) == 0
    assert fair_place(["b", "b"], "a", {"a": 3}) == 2
    assert fair_place(["a", "b"], "a", {}) == 2


def test_whoever_leaves_stops_their_job(serve):
    with serve() as page:
        event = ask(page.client, "left", 20).json()["event_id"]
        with page.client.stream("GET", f"/gradio_api/call/slow/{event}"):
            deadline = time.monotonic() + 60
            while not page.seen.order and time.monotonic() < deadline:
                time.sleep(0.02)
        left = time.monotonic()
        while not page.seen.gone and time.monotonic() < left + 10:
            time.sleep(0.02)
        assert page.seen.gone
        assert page.seen.gone[0][1] - left < 8  # of the twenty that it would have taken


def test_whoever_never_listens_stops_their_job_too(serve, monkeypatch):
    monkeypatch.setattr("frcrn_app.web.guard.gradio_queue.GRACE_SECONDS", 0.5)
    with serve() as page:
        ask(page.client, "silent", 20)
        deadline = time.monotonic() + 60
        while not page.seen.gone and time.monotonic() < deadline:
            time.sleep(0.02)
        assert page.seen.gone


def test_requests_uploads_and_audio_are_counted_by_address(serve):
    with serve(
        public=True, requests_a_minute=30, upload_bytes_an_hour=MIB, audio_minutes_an_hour=1
    ) as page:
        mallory, ada = as_from("203.0.113.7"), as_from("2001:db8:0:1::1")
        codes = [page.client.get("/robots.txt", headers=mallory).status_code for _ in range(40)]
        assert codes.count(429) == 10
        assert page.client.get("/robots.txt", headers=ada).status_code != 429
        upload = {"files": ("a.wav", b"x" * (700 << 10))}
        first, second = (
            page.client.post("/gradio_api/upload", files=upload, headers=ada) for _ in range(2)
        )
        assert first.status_code == 200
        assert second.status_code == 429
        assert second.json()["code"] == "guard.too_many_bytes"
        neighbour = as_from("2001:db8:0:1::2")  # of the same network
        again = page.client.post("/gradio_api/upload", files=upload, headers=neighbour)
        assert again.status_code == 429
        page.guard._allowances.audio("x", 59)
        from frcrn_app.web.guard import GuardError

        with pytest.raises(GuardError) as refused:
            page.guard._allowances.audio("x", 59)
        assert refused.value.code == "guard.too_much_audio"
        assert "minutes of audio" in str(refused.value)


def test_at_home_nobody_counts(serve):
    with serve(requests_a_minute=5) as page:
        codes = {page.client.get("/robots.txt").status_code for _ in range(20)}
        assert 429 not in codes


# Log-in


def log_in(page, password: str, name: str = "ada", address: str = "203.0.113.7"):
    form = {"username": name, "password": password}
    return page.client.post("/login", data=form, headers=as_from(address))


def test_guessing_passwords_is_slow(serve):
    with serve(auth=[("ada", "secret")]) as page:
        with ThreadPoolExecutor(8) as threads:
            codes = [r.status_code for r in threads.map(lambda n: log_in(page, str(n)), range(60))]
        assert codes.count(400) == 10
        assert codes.count(429) == 50
        assert log_in(page, "secret").status_code == 429  # this address waits ...
        assert log_in(page, "secret", address="198.51.100.4").status_code == 200  # others do not


def test_guessing_from_many_addresses_is_slow_but_locks_nobody_out(serve):
    with serve(auth=[("ada", "secret")]) as page:
        assert log_in(page, "secret", address="198.51.100.4").status_code == 200
        codes = [log_in(page, "x", address=f"203.0.113.{n}").status_code for n in range(60)]
        assert codes.count(429) == 30
        assert log_in(page, "secret", address="198.51.100.4").status_code == 200


def test_logging_in_often_is_no_guessing(serve):
    with serve(auth=[("ada", "secret")]) as page:
        assert {log_in(page, "secret").status_code for _ in range(50)} == {200}


def test_nothing_is_shown_before_the_log_in(serve):
    with serve(auth=[("ada", "secret")]) as page:
        closed = ("gradio_api/info", "gradio_api/openapi.json", "openapi.json", "docs", "redoc")
        closed += ("gradio_api/heartbeat/x", "monitoring", "frcrn/result/x/cleaned.wav")
        for path in closed:
            assert page.client.get(f"/{path}").status_code in (401, 404), path
        for path in ("", "theme.css", "healthz"):  # the log-in page has the theme's colours
            assert page.client.get(f"/{path}").status_code == 200
        assert log_in(page, "secret").status_code == 200
        assert page.client.get("/gradio_api/info").status_code == 200


# Headers, health, metrics, logs


def test_every_answer_carries_the_headers(serve):
    with serve(frame_ancestors=("https://example.org",)) as page:
        for path in ("/", "/config", "/nowhere", "/healthz", "/gradio_api/info"):
            headers = page.client.get(path).headers
            policy = headers["content-security-policy"]
            assert "frame-ancestors 'self' https://example.org" in policy
            assert "object-src 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert "strict-transport-security" not in headers
        secure = page.client.get("/", headers={"x-forwarded-proto": "https"}).headers
        assert secure["strict-transport-security"].startswith("max-age=")


def test_health_is_the_networks(serve):
    answers = iter([True, False])
    with serve(healthy=lambda: next(answers)) as page:
        assert page.client.get("/healthz").json()["status"] == "ok"
        assert page.client.get("/healthz").status_code == 200  # the same answer, not another job
    with serve(healthy=lambda: False) as page:
        assert page.client.get("/healthz").status_code == 503


def test_metrics_are_for_the_neighbourhood(serve):
    with serve() as page:
        with page.guard.job("page", seconds=4.0) as facts:
            facts["work"] = 1.0
        text = page.client.get("/metrics", headers=as_from("10.1.2.3")).text
        for line in (
            'frcrn_jobs_total{door="page",outcome="done"} 1.0',
            "frcrn_audio_seconds_total 4.0",
            'frcrn_real_time_factor_bucket{le="0.5"} 1.0',
            "frcrn_waiting_jobs 0.0",
            "frcrn_disk_bytes",
            "process_resident_memory_bytes",
        ):
            assert line in text
        assert page.client.get("/metrics", headers=as_from("8.8.8.8")).status_code == 403


@pytest.mark.parametrize("strips", [True, False])
def test_the_page_may_lie_under_a_path(serve, strips):
    """Of a proxy that takes the path away, or one that does not."""
    with serve(root_path="/denoiser") as page:
        prefix = "" if strips else "/denoiser"
        proxied = {"x-forwarded-host": "example.org", "x-forwarded-proto": "https"}
        shown = page.client.get(f"{prefix}/", headers=proxied)
        assert shown.status_code == 200
        assert "https://example.org/denoiser" in shown.text
        assert page.client.get(f"{prefix}/healthz").status_code == 200
        assert page.client.get(f"{prefix}/config").json()["root"].endswith("/denoiser")
        event = page.client.post(f"{prefix}/gradio_api/call/slow", json={"data": ["a", 0]})
        assert event.status_code == 200
        assert page.client.get(f"{prefix}/{asset('listen/main.js')}").status_code == 200
        page.blocks.favicon_path = ASSETS / "favicon.png"
        link = re.search(r'<link rel="manifest" href="([^"]+)"', shown.text)[1]
        manifest = page.client.get(f"{prefix}/{link}")
        assert manifest.json()["start_url"] == "./"
        for icon in manifest.json()["icons"]:  # all of them beside the page, wherever that is
            assert not icon["src"].startswith("/")
            assert page.client.get(f"{prefix}/{icon['src']}").status_code == 200


def test_log_lines_are_cut_and_name_no_file(serve, caplog):
    import io

    from frcrn_app.web.guard.logs import CutFormatter, CutLines

    record = logging.LogRecord("x", logging.INFO, "", 0, "a\nb%s", ("c" * 100_000,), None)
    line = CutFormatter().format(record)
    assert "\n" not in line
    assert len(line) < 3000
    stream = io.StringIO()
    cut = CutLines(stream)
    for piece in ("x" * 3000, "y" * 90_000, "\nnext\n"):
        cut.write(piece)
    assert len(stream.getvalue()) < 3000
    assert stream.getvalue().endswith("\nnext\n")
    with serve() as page, caplog.at_level(logging.INFO, "frcrn.jobs"):
        with page.guard.job("page", name="secret talk.wav", seconds=1.0):
            pass
        with pytest.raises(ZeroDivisionError), page.guard.job("page"):
            _ = 1 / 0
    lines = [json.loads(r.getMessage()) for r in caplog.records if r.name == "frcrn.jobs"]
    assert [line["outcome"] for line in lines] == ["done", "fault"]
    assert "secret" not in caplog.text
    assert len({line["job"] for line in lines}) == 2


# Requests that make no sense, or do not come


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("queue/join", b'{"data": [], "fn_index": -1, "session_hash": "x"}', "application/json"),
        ("reset", b'{"event_id": 1e999}', "application/json"),
        ("component_server", b"x", f"multipart/form-data; boundary={'b' * 999}"),
    ],
)
def test_nonsense_is_answered_as_such_and_leaves_no_trace_in_the_log(
    serve, caplog, path, content, kind
):
    with serve() as page:
        headers = {"content-type": kind}
        refused = page.client.post(f"/gradio_api/{path}", content=content, headers=headers)
    assert refused.status_code == 400
    assert refused.json()["code"] == "guard.bad_request"
    assert "Traceback" not in caplog.text


def test_a_fault_of_a_route_is_told_with_its_reference_and_logged_once(serve, caplog, monkeypatch):
    from gradio import routes

    def fails(*_, **__):
        raise RuntimeError("at every request")

    with serve() as page:
        monkeypatch.setattr(routes.route_utils, "compile_gr_request", fails)
        told = [page.client.post("/gradio_api/run/slow", json={"data": ["", 0]}) for _ in range(3)]
    assert {answer.status_code for answer in told} == {500}
    [reference] = {re.search(r"\b[0-9a-f]{8}\b", each.json()["detail"])[0] for each in told}
    assert caplog.text.count("Traceback") == 1
    assert caplog.text.count(reference) == 3


def test_a_visitor_holds_so_many_requests_open_and_no_more(serve, monkeypatch):
    monkeypatch.setattr("frcrn_app.web.guard.limits.OPEN_AT_ONCE", 2)
    with serve(public=True) as page, ExitStack() as opened:
        crowd = {"headers": as_from("203.0.113.9")}
        streams = [
            opened.enter_context(page.client.stream("GET", f"/gradio_api/heartbeat/{n}", **crowd))
            for n in range(3)
        ]
        assert [stream.status_code for stream in streams] == [200, 200, 429]
        assert page.client.get("/config", headers=as_from("203.0.113.8")).status_code == 200


def test_a_body_that_stops_midway_is_given_up(serve, monkeypatch):
    monkeypatch.setattr("frcrn_app.web.guard.bodies.SILENCE_SECONDS", 0.05)
    with serve() as page, closing(connection(page)) as sender:
        sender.sendall(
            b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
        )
        assert sender.recv(4096).startswith(b"HTTP/1.1 408")


def test_a_connection_without_a_request_is_closed_and_a_stream_is_not(serve, monkeypatch):
    monkeypatch.setattr("frcrn_app.web.guard.connections.REQUEST_SECONDS", 0.1)
    with serve() as page:
        bound_connections(page.blocks.server.config, public=False, trusted=())
        with closing(connection(page)) as silent, closing(connection(page)) as listener:
            silent.sendall(b"GET / HT")
            listener.sendall(b"GET /gradio_api/heartbeat/a HTTP/1.1\r\nHost: a\r\n\r\n")
            assert was_closed(silent)
            time.sleep(0.3)
            assert listener.recv(4096).startswith(b"HTTP/1.1 200")
            listener.settimeout(0.2)
            assert not was_closed(listener)


def test_an_address_has_so_many_connections_and_a_trusted_proxy_as_many_as_it_likes(
    serve, monkeypatch
):
    monkeypatch.setattr("frcrn_app.web.guard.connections.CONNECTIONS", 2)
    with serve() as page:
        kind = page.blocks.server.config.http_protocol_class
        for trusted, closed in ((("10.0.0.0/8",), True), (("10.0.0.0/8", "127.0.0.0/8"), False)):
            page.blocks.server.config.http_protocol_class = kind
            bound_connections(page.blocks.server.config, public=True, trusted=trusted)
            with ExitStack() as stack:
                held = [stack.enter_context(closing(connection(page))) for _ in range(3)]
                held[-1].settimeout(0.3)
                assert was_closed(held[-1]) == closed


def connection(page) -> socket.socket:
    address = urlsplit(page.address)
    return socket.create_connection((address.hostname, address.port), timeout=5)


def was_closed(held: socket.socket) -> bool:
    try:
        return held.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
