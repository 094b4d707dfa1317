"""What all commands share: help, faults, exit codes."""

import argparse
import io
import logging
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import frcrn_app
from command_line import run_frcrn, write_noise
from frcrn_app import batch
from frcrn_app.__main__ import run
from frcrn_app.cli import main as cli
from frcrn_app.cli.main import COMMANDS, build_parser, main
from paths import ROOT


def test_a_fault_of_the_program_shows_a_reference_and_logs_the_trace(folder, capsys, monkeypatch):
    def fault(*args, **kwargs):
        raise RuntimeError("the trace tells this")

    monkeypatch.setattr(batch, "plan_files", fault)
    monkeypatch.setattr(cli.tempfile, "gettempdir", lambda: str(folder))
    write_noise(folder / "a.wav")
    assert main(["denoise", "a.wav"]) == 70
    err = capsys.readouterr().err
    assert "the trace tells this" not in err
    reference = re.search(r"reference (\w+)", err).group(1)
    log = Path(re.search(r"trace in (\S+)", err).group(1)).read_text()
    assert reference in log
    assert "the trace tells this" in log


def test_what_is_logged_goes_to_the_stderr_of_the_moment(capsys, monkeypatch):
    """From Python, main() may be called again, or from a notebook, whose streams come and go."""
    closed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", closed)
    main(["weights", "list"])
    monkeypatch.undo()
    closed.close()
    logging.getLogger("frcrn_app.audio").warning("one sentence")
    assert capsys.readouterr().err == "warning: one sentence\n"


def test_help_and_version_need_neither_torch_nor_gradio():
    script = (
        "import sys, frcrn_app.__main__; from frcrn_app.cli.main import build_parser;"
        "build_parser().format_help();"
        "print(*{'torch', 'gradio', 'plotly', 'onnxruntime', 'pandas'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""
    process = run_frcrn("--version", cwd=ROOT)
    assert process.communicate()[0].strip() == f"frcrn_app {frcrn_app.__version__}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    assert command in build_parser().format_help()
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert "usage: python -m frcrn_app" in capsys.readouterr().out


def options(parser, names=()):
    """Every option of the parser and of the commands in it: its command line, and the action."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from options(inner, (*names, name))
        elif action.option_strings and action.type is not None:
            yield (*names, action.option_strings[-1]), action


# -16 LUFS is a loudness.
COUNTED = {
    " ".join(line): action
    for line, action in options(build_parser())
    if action.type not in (Path, str) and not action.choices and line[-1] != "--loudness"
}


@pytest.mark.parametrize("option", COUNTED)
def test_counts_and_shares_below_zero_are_refused_before_any_work(option):
    with pytest.raises((argparse.ArgumentTypeError, ValueError)):
        COUNTED[option].type("-5")


def test_a_refused_number_is_named_with_what_is_asked(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["train", "--snapshot-every", "-5"])
    assert "--snapshot-every: '-5' is not a whole number" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_fault(folder):
    """As in `python -m frcrn_app ... | head -0`."""
    process = run_frcrn("denoise", cwd=folder)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=300) == 0


@pytest.fixture
def own_signals():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_ctrl_c_before_there_is_a_command_leaves_no_trace(capsys, monkeypatch, own_signals):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    assert run() == 130
    assert capsys.readouterr().err == "stopped\n"


def test_a_container_that_is_stopped_cleans_up_and_exits_with_143(monkeypatch, own_signals):
    """Its first process, which has no way of ending but its own."""
    cleaned_up = []

    def stopped():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            cleaned_up.append("drafts")

    monkeypatch.setattr(cli, "main", stopped)
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 143
    assert cleaned_up


def test_every_extra_that_is_named_exists():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(cli.EXTRAS.values()) <= set(extras["optional-dependencies"])
    assert set(cli.EXTRAS) <= set(COMMANDS)
