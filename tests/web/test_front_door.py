"""`python app.py` as people start and stop it."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from paths import ROOT

USER = ("ada", "secret word")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """An empty folder with a path short enough for sockets, which that of tmp_path need not be."""
    with tempfile.TemporaryDirectory(prefix="door-") as folder:
        yield Path(folder)


def test_the_front_door_serves_asks_for_a_log_in_and_leaves_nothing_behind(temporary):
    demo = _start("--auth", ":".join(USER), "--port", str(_free_port()), TMPDIR=str(temporary))
    try:
        address = _address_of(demo)
        assert httpx.get(f"{address}/config").status_code == 401
        # The page's scripts are sent once, and not again when it is opened anew.
        (script,) = re.findall(r'src="(?:\./)?(assets/index-[^"]+\.js)"', httpx.get(address).text)
        sent = httpx.get(f"{address}/{script}")
        assert "javascript" in sent.headers["content-type"]
        assert "immutable" in sent.headers["cache-control"]
        again = httpx.get(f"{address}/{script}", headers={"if-none-match": sent.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        with httpx.Client() as visitor:
            form = {"username": USER[0], "password": USER[1]}
            assert visitor.post(f"{address}/login", data=form).status_code == 200
            assert visitor.get(f"{address}/config").status_code == 200
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=30)
        assert demo.returncode in (0, 130)
        assert "Traceback" not in out + err
        assert list(temporary.glob("frcrn-*")) == []
    finally:
        demo.kill()


def test_a_port_that_is_taken_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        demo = _start("--port", str(taken.getsockname()[1]))
        _, err = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert err.startswith("error: port")
    assert "Traceback" not in err


def test_a_folder_that_sockets_do_not_fit_in_is_said(tmp_path):
    folder = tmp_path / ("temporary" * 8)
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder)}
    run = subprocess.run(
        [sys.executable, str(ROOT / "app.py")], capture_output=True, text=True, env=environment
    )
    assert run.returncode == 2
    assert run.stderr.startswith("error: the path of the folder for temporary files is too long")
    assert run.stderr.count("\n") == 1


def test_help_does_not_wait_for_the_network():
    program = (
        "import sys; sys.argv = ['app.py', '--help']\n"
        "import runpy\n"
        "try: runpy.run_path('app.py', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'gradio', 'numpy'} & set(sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    options = "--host --port --share --auth --weights --device --precision --max-seconds"
    for option in [*options.split(), "--ssl-certfile", "--ssl-keyfile", "--allow-fetch"]:
        assert option in result.stdout


def _start(*arguments: str, **variables: str) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FRCRN_", "GRADIO_"))}
    return subprocess.Popen(
        [sys.executable, "-u", "app.py", *arguments],
        cwd=ROOT,
        env=environment | variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _address_of(demo: subprocess.Popen) -> str:
    for line in demo.stdout:
        if "http://" in line:
            return next(word for word in line.split() if word.startswith("http")).rstrip("/")
    pytest.fail(demo.stderr.read())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_page_does_not_wait_for_the_network():
    program = (
        "import sys\n"
        "from frcrn_app.web.app import build_app\n"
        "from frcrn_app.web.options import WebOptions\n"
        "build_app(WebOptions())\n"
        "assert not {'torch', 'scipy', 'onnxruntime', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
