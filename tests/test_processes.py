"""No process is left to spin when the server or command that started it is gone."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

# Holds the interpreter's lock, as a library's endless loop does: no thread of Python's can help.
HANG = """
import ctypes, os, sys
from pathlib import Path

def hang():
    temporary = Path(sys.path[0], "new")
    temporary.write_text(str(os.getpid()))
    temporary.rename(Path(sys.path[0], "child"))
    ctypes.PyDLL(None).sleep(120)

class Hanging:
    def __init__(self, seat): pass
    hang = staticmethod(hang)
"""

ISOLATED = """
from frcrn_app.isolation import isolated
if __name__ == "__main__":
    isolated(hang, about="x")
"""

CREW = """
from frcrn_app.workers import ProcessCrew
if __name__ == "__main__":
    with ProcessCrew(Hanging, 1) as crew:
        crew.call(0, "hang").result()
"""

# The thread that starts a process may end before the others, which changes nothing.
OF_A_THREAD = """
import threading, time
from frcrn_app.workers import Threads
if __name__ == "__main__":
    process = Threads(1).Process(target=hang)
    thread = threading.Thread(target=process.start)
    thread.start()
    thread.join()
    time.sleep(120)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="by signals of Linux")
@pytest.mark.parametrize("program", [ISOLATED, CREW, OF_A_THREAD], ids=["isolated", "crew", "own"])
def test_processes_that_hang_end_with_the_one_that_started_them(tmp_path, program):
    (tmp_path / "hanging.py").write_text(HANG)
    (tmp_path / "server.py").write_text(
        f"import sys\nfrom pathlib import Path\nfrom hanging import Hanging, hang\n{program}"
    )
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    server = subprocess.Popen(
        [sys.executable, "server.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}
    )
    try:
        child = _awaited(tmp_path / "child", server)
        time.sleep(1)
        assert _runs(child)
    finally:
        server.kill()
        server.wait()
    deadline = time.monotonic() + 10
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(child)


def _awaited(file: Path, server: subprocess.Popen) -> int:
    """The process number that appears in the file."""
    deadline = time.monotonic() + 60
    while not file.exists():
        assert server.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int(file.read_text())


def _runs(child: int) -> bool:
    """A process that has ended may still be listed, until someone asks how it ended."""
    try:
        state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
