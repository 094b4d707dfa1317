"""Run by test_full_disk.py where a small disk is mounted: every door, with less and less room.

    python on_a_full_disk.py DISK RECORDING WEIGHTS

RECORDING is two seconds at 16 kHz, as 64-bit floats; its folder and the folder "clean" beside that
hold nothing else but a file of the same name. Prints a line of JSON a
try: door, room in bytes, what was said (null: it went well), names of what was left.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

DISK, RECORDING, WEIGHTS = map(Path, sys.argv[1:4])
PAGE = 4_096  # bytes, of which files take whole ones
# What is read takes 128 kB, as does each version that a page maps; a download takes 256 kB.
PAGE_ROOMS = (0, 100_000, 150_000, 350_000, 450_000)
PROGRAM_ROOMS = (0, 150_000, 250_000)
COMMAND_ROOMS = (0, 200_000)
EVALUATION_ROOMS = (0, PAGE)
os.environ["GRADIO_TEMP_DIR"] = os.environ["TMPDIR"] = str(DISK)


def main() -> None:
    from frcrn_app.web.app import build_app, close
    from frcrn_app.web.denoise.cleaning import Cleaning
    from frcrn_app.web.options import WebOptions

    tempfile.gettempdir()  # found out once, while there is room
    options = WebOptions(weights=str(WEIGHTS))
    app = build_app(options)
    endpoint = next(f.fn for f in app.fns.values() if f.api_name == "denoise")

    def by_page() -> str | None:
        cleaning = Cleaning(app.engine, str(RECORDING), "auto", options.max_seconds)
        shown = list(cleaning.follow())[-1]
        if shown["state"] == "done":
            cleaning.delete()
        return shown.get("message")

    def by_program() -> str | None:
        try:
            endpoint(str(RECORDING), 1.0, "auto", "same")
        except Exception as error:
            return str(error)
        return None

    def by_command(*command: str) -> str | None:
        from frcrn_app.cli.main import main as frcrn

        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            status = frcrn([*command, "--weights", str(WEIGHTS)])
        return said.getvalue() if status else None

    def by_denoise() -> str | None:
        return by_command("denoise", str(RECORDING), "-o", str(DISK))

    def by_evaluation() -> str | None:
        noisy, clean = RECORDING.parent, RECORDING.parents[1] / "clean"
        pairs = ("--noisy", str(noisy), "--clean", str(clean), "--metrics", "si_sdr", "--quiet")
        return by_command("evaluate", *pairs, "--json", str(DISK / "report.json"))

    app.engine.run(load(RECORDING))  # whatever is loaded once is
    for door, rooms in (
        (by_page, PAGE_ROOMS),
        (by_program, PROGRAM_ROOMS),
        (by_denoise, COMMAND_ROOMS),
        (by_evaluation, EVALUATION_ROOMS),
    ):
        for room in rooms:
            empty(DISK)
            filler = DISK / "filler"
            filler.write_bytes(bytes(free(DISK) - room))
            said = door()
            files = [p for p in DISK.rglob("*") if p.is_file() and p != filler]
            left = [p.name for p in files if p.stat().st_size]  # locks are empty
            print(json.dumps([door.__name__, room, said, left]), flush=True)
    empty(DISK)
    close(app)


def load(path: Path):
    from frcrn_app.audio import load_audio

    return load_audio(path)


def free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_bsize


def empty(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()


if __name__ == "__main__":
    main()
