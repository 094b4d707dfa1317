"""A whole tiny run learns, is kept, and survives being killed."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from frcrn_app.cli import arguments as arguments_of
from frcrn_app.cli import main as cli
from frcrn_app.cli import train
from frcrn_app.training import MixtureConfig, TrainConfig, build_trainer, stopping_politely
from frcrn_app.training.trainer import norms
from frcrn_app.training.trainer.optimizers import rate_factor
from frcrn_app.weights import load_weights
from paths import ROOT

SPEECH = ROOT / "examples" / "pairs" / "clean"
# The command in a process of its own, with `quick_statistics`.
QUICK_COMMAND = """
import sys
from frcrn_app.cli import main
from frcrn_app.training.trainer import norms

norms.NORM_BATCHES = {batches}
sys.exit(main.main(sys.argv[1:]))
"""
QUICK_BATCHES = 4


@pytest.fixture
def quick_statistics(monkeypatch, tmp_path_factory) -> list[str]:
    """Statistics of normalisation from few batches, where their number is not what is tested.

    Returns the arguments of Python that make it so in another process.
    """
    monkeypatch.setattr(norms, "NORM_BATCHES", QUICK_BATCHES)
    program = tmp_path_factory.mktemp("quick") / "command.py"
    program.write_text(QUICK_COMMAND.format(batches=QUICK_BATCHES))
    return [str(program)]


def _arguments(out, noise, cache, *more):
    tiny = "--channels 8 --batch 2 --seconds 1 --rooms 0 --workers 0 --threads 1 --device cpu"
    return [
        "train",
        *("--speech", str(SPEECH), "--noise", str(noise), "--cache", str(cache)),
        *("--out", str(out), *tiny.split(), *more),
    ]


def _from(weights, further_channels=0):
    """Arguments of a run from weights, of their size or wider."""
    channels = load_weights(weights).config.channels + further_channels
    return ["--init", weights, "--channels", str(channels)]


def _trainer(arguments, mixtures=0):
    """The trainer of a command line, which validates on so many mixtures."""
    arguments = [*arguments, "--validation-mixtures", str(mixtures)]
    args = cli.build_parser(["train"]).parse_args(arguments)
    recordings = arguments_of.recordings(args)
    return build_trainer(
        train.train_config(args),
        recordings.corpus(),
        recordings.corpus("valid"),
        mixing=MixtureConfig(seconds=args.seconds, simulated_rooms=args.rooms),
        workers=args.workers,
        validation=args.validation_mixtures,
    )


def _seen_loss(trainer):
    """Mean loss over the batches of the run, of the weights as they are."""
    stream = trainer.batches(0, 0, 1)
    trainer.model.eval()
    with torch.no_grad():
        losses = [trainer.objective(trainer.model.mask, *next(stream)) for _ in range(8)]
    return float(torch.stack(losses).mean())


@pytest.mark.usefixtures("quick_statistics")
def test_a_tiny_run_lowers_the_loss_on_what_it_saw(tmp_path, noise_folder, cache):
    arguments = _arguments(
        tmp_path, noise_folder, cache, "--steps", "60", "--learning-rate", "0.004"
    )
    trainer = _trainer(arguments, mixtures=2)
    before = _seen_loss(trainer)
    last = trainer.run()
    assert _seen_loss(trainer) < 0.85 * before
    assert last["skipped"] == 0
    # Two validation mixtures were scored, logged, drawn, and the weights kept.
    (row,) = csv.DictReader((tmp_path / "log.csv").open())
    assert 1 <= float(row["pesq"]) <= 4.65
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    best = load_weights(tmp_path / "best.safetensors")
    assert best.config.channels == 8
    assert best.model(torch.zeros(1, 16000)).shape == (1, 16000)


@pytest.mark.usefixtures("quick_statistics")
def test_fixed_statistics_are_kept_where_they_serve_better(tmp_path, noise_folder, cache):
    trainer = _trainer(
        _arguments(tmp_path, noise_folder, cache, "--steps", "1", *_from("frcrn-small"))
    )
    before = [buffer.clone() for buffer in trainer.model.buffers()]
    trainer.freeze_norms()  # the embedded weights were trained with just these
    assert all(map(torch.equal, before, trainer.model.buffers()))
    # Statistics that do not fit are estimated anew.
    statistics = [b for name, b in trainer.model.named_buffers() if "running" in name]
    for buffer in statistics:
        buffer.fill_(1)
    trainer.freeze_norms()
    assert all(bool((buffer != 1).any()) for buffer in statistics)


@pytest.mark.usefixtures("quick_statistics")
def test_channels_that_a_network_grew_get_statistics_of_their_own(tmp_path, noise_folder, cache):
    small = load_weights("frcrn-live").model
    start = _from("frcrn-live", further_channels=8)
    trainer = _trainer(_arguments(tmp_path, noise_folder, cache, "--steps", "1", *start))
    trainer.freeze_norms()
    kept = dict(small.named_buffers())
    grown = {n: b for n, b in trainer.model.named_buffers() if n.endswith("running_var")}
    for name, variance in grown.items():
        trained = len(kept[name])
        assert torch.equal(variance[:trained], kept[name]), name
        assert (variance[trained:] != 1).all(), name


def test_a_killed_run_goes_on_to_the_same_bit(tmp_path, noise_folder, cache, quick_statistics):
    more = ("--steps", "18", "--save-every", "0", "--validation-mixtures", "0")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert cli.main(_arguments(whole, noise_folder, cache, *more)) == 0

    process = subprocess.Popen(
        [sys.executable, *quick_statistics, *_arguments(killed, noise_folder, cache, *more)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 300
    while not (killed / "state.pt").exists():
        assert process.poll() is None, "the run ended before it wrote a state"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    step = torch.load(killed / "state.pt", weights_only=True)["counters"]["step"]
    assert 0 < step < 18

    assert cli.main([*_arguments(killed, noise_folder, cache, *more), "--resume"]) == 0
    states = [torch.load(out / "state.pt", weights_only=True) for out in (whole, killed)]
    for name in ("model", "ema"):
        for key, tensor in states[0][name].items():
            assert torch.equal(tensor, states[1][name][key]), key


@pytest.mark.usefixtures("quick_statistics")
def test_another_loss_takes_effect_when_a_run_goes_on(tmp_path, noise_folder, cache):
    arguments = _arguments(tmp_path, noise_folder, cache, "--validation-mixtures", "0")
    assert cli.main([*arguments, "--steps", "1", "--loss", "snr=0.25"]) == 0
    more = ["--resume", "--loss", "snr=0", "perceptual=0", "complex=0", "magnitude=8"]
    assert cli.main([*arguments, "--steps", "2", *more]) == 0
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["loss_weights"] for row in rows] == [
        "magnitude=70 complex=20 snr=0.25 perceptual=12 resolutions=1",
        "magnitude=8 resolutions=1",
    ]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])  # of one term, and that lighter


@pytest.mark.usefixtures("quick_statistics")
@pytest.mark.parametrize(
    "network", [["--context", "8"], ["--attention", "9"], ["--causal", "--lookahead", "2"]]
)
def test_what_is_asked_of_the_network_is_in_its_weights(tmp_path, noise_folder, cache, network):
    more = ["--steps", "2", "--validation-mixtures", "0", "--snapshot-every", "1", *network]
    assert cli.main(_arguments(tmp_path, noise_folder, cache, *more)) == 0
    config = load_weights(tmp_path / "last.safetensors").config
    assert config.context == (8 if "--context" in network else 0)
    assert config.attention == (9 if "--attention" in network else 0)
    assert (config.causal, config.lookahead) == ((True, 2) if "--causal" in network else (False, 0))
    assert sorted(path.name for path in tmp_path.glob("step-*")) == [
        "step-0000001.safetensors",
        "step-0000002.safetensors",
    ]


def test_a_limit_of_attention_can_be_taken_back(tmp_path, noise_folder, cache):
    arguments = _arguments(tmp_path, noise_folder, cache, *_from("frcrn-small"))
    assert load_weights("frcrn-small").config.attention > 0
    assert _trainer([*arguments, "--attention", "0"]).model.config.attention == 0


def test_the_rate_falls_or_stays_as_asked():
    config = TrainConfig(Path(), steps=100, warmup_steps=10, decay_share=0.3)
    rates = [rate_factor(step, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10:70] == [1.0] * 60
    assert rates[70:] == sorted(rates[70:], reverse=True)
    assert rates[99] < 0.01
    config.decay_share = 0.0
    assert rate_factor(99, config) == 1.0


@pytest.mark.usefixtures("quick_statistics")
def test_files_that_cannot_be_used_are_named_at_the_start(tmp_path, noise_folder, cache, capsys):
    noise = tmp_path / "noise"
    noise.mkdir()
    for number, path in enumerate(sorted(noise_folder.iterdir())[:3]):
        (noise / f"{number}{path.suffix}").write_bytes(path.read_bytes())
    for number in range(7):
        (noise / f"broken{number}.wav").write_bytes(b"not audio at all" * 50)
    more = ["--steps", "1", "--validation-mixtures", "0"]
    assert cli.main(_arguments(tmp_path / "out", noise, cache, *more)) == 0
    said = capsys.readouterr().err
    assert "7 files cannot be used and are left out" in said
    assert "broken0.wav" in said
    assert "and 2 more" in said


def test_two_processes_make_the_steps_of_one(tmp_path, noise_folder, cache, quick_statistics):
    # Weights whose statistics serve as they are; new ones would be of other batches.
    more = [*_from("frcrn-live"), "--precision", "float32"]
    more += ["--steps", "2", "--validation-mixtures", "0"]
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    assert cli.main([*_arguments(alone, noise_folder, cache, *more), "--batch", "2"]) == 0
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    torchrun += ["--nproc-per-node", "2", *quick_statistics]
    arguments = [*_arguments(shared, noise_folder, cache, *more), "--batch", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([*torchrun, *arguments], cwd=ROOT, env=environment, check=True, timeout=240)

    start = load_weights("frcrn-live").model.state_dict()
    states = [torch.load(out / "state.pt", weights_only=True)["model"] for out in (alone, shared)]
    moved = apart = 0.0
    for key, tensor in states[0].items():
        moved += float((tensor - start[key]).square().sum())
        apart += float((tensor - states[1][key]).square().sum())
    # Sums in another order, no more: 2e-7 to 9e-4 by mixtures and network, because a small gradient
    # moves a weight as far as a large one. By its own example alone either would be 0.7 away.
    assert apart < 5e-3 * moved


def _settings(out):
    """What the last state of a run says of the whole run."""
    return json.loads(torch.load(out / "state.pt", weights_only=True)["training"])


@pytest.mark.usefixtures("quick_statistics")
def test_nothing_need_be_named_again_to_go_on(tmp_path, noise_folder, cache, monkeypatch, capsys):
    arguments = _arguments("run", os.path.relpath(noise_folder, tmp_path), cache)
    network = ["--causal", "--lookahead", "2", "--real"]
    how = ["--loss", "snr=0.25", "magnitude=8", "--learning-rate", "0.0007", "--seed", "9"]
    monkeypatch.chdir(tmp_path)
    quick = ["--hours", "0.00001", "--validation-mixtures", "0"]
    assert cli.main([*arguments, *quick, *network, *how]) == 0
    before = _settings(tmp_path / "run")
    # From another folder, in which the relative paths would not be found.
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert cli.main(["train", "--out", "../run", "--resume", "--steps", "22", "--clip", "50"]) == 0
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert state["counters"]["step"] == 22  # the first 20 were those that find the pace
    of_steps = {"hours": None, "steps": 22, "warmup_steps": 2}
    assert _settings(tmp_path / "run") == before | of_steps | {"clip_norm": 50, "out": "../run"}
    config = load_weights("../run/last.safetensors").config
    assert (config.channels, config.causal, config.lookahead, config.real) == (8, True, 2, True)
    # What is named counts from then on.
    assert cli.main(["train", "--out", "../run", "--resume", "--steps", "23"]) == 0
    assert _settings(tmp_path / "run")["clip_norm"] == 50
    # The network must stay as it is.
    more = ["--out", "../run", "--resume", "--steps", "24", "--lookahead", "1"]
    assert cli.main(["train", *more]) == cli.EXIT_USER_ERROR
    assert "lookahead 2" in capsys.readouterr().err


@pytest.mark.usefixtures("quick_statistics")
def test_a_run_of_hours_can_be_made_longer(tmp_path, noise_folder, cache):
    more = ["--hours", "0.00001", "--validation-mixtures", "0"]
    assert cli.main(_arguments(tmp_path, noise_folder, cache, *more)) == 0
    resume = ["train", "--out", str(tmp_path), "--resume"]

    def counters():
        return torch.load(tmp_path / "state.pt", weights_only=True)["counters"]

    first = counters()
    assert first["step"] == 20  # those that find the pace, which it takes at least
    hours = str(1.5 * first["training_seconds"] / 3600)
    assert cli.main([*resume, "--hours", hours]) == 0
    assert counters()["step"] in (29, 30)
    assert cli.main(resume) == 0  # of the same length, and at its end
    assert counters()["step"] in (29, 30)


@pytest.mark.usefixtures("quick_statistics")
def test_named_again_replaces_and_does_not_add(tmp_path, noise_folder, cache):
    more = ["--validation-mixtures", "0", "--source-weight", "*=1"]
    assert cli.main([*_arguments(tmp_path, noise_folder, cache, *more), "--steps", "1"]) == 0
    kept = (tmp_path / train.ARGUMENTS_FILE).read_text()
    again = _arguments(tmp_path, noise_folder, cache, *more, "--resume")
    assert cli.main([*again, "--steps", "1"]) == 0
    assert (tmp_path / train.ARGUMENTS_FILE).read_text() == kept
    assert json.loads(kept)["noise"] == ["--noise", str(noise_folder)]


@pytest.mark.usefixtures("quick_statistics")
def test_weights_that_a_run_began_with_may_be_gone(tmp_path, noise_folder, cache, capsys):
    first, run = tmp_path / "first", tmp_path / "run"
    quick = ["--validation-mixtures", "0", "--steps", "1"]
    assert cli.main(_arguments(first, noise_folder, cache, *quick)) == 0
    more = [*quick, "--init", str(first / "best.safetensors")]
    assert cli.main(_arguments(run, noise_folder, cache, *more)) == 0
    shutil.rmtree(first)
    assert cli.main(["train", "--out", str(run), "--resume", "--steps", "2"]) == 0
    # A run that has no state begins anew, and needs them.
    (run / "state.pt").unlink()
    assert cli.main(["train", "--out", str(run), "--resume"]) == cli.EXIT_USER_ERROR
    assert "best.safetensors" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", ["", "[]", '{"noise": 3}', '{"steps": ["--steps", "many"]}', '{"x": ["--nonsense"]}']
)
def test_damaged_arguments_are_said_in_a_sentence(tmp_path, capsys, content):
    (tmp_path / train.ARGUMENTS_FILE).write_text(content)
    assert cli.main(["train", "--out", str(tmp_path), "--resume"]) == cli.EXIT_USER_ERROR
    said = capsys.readouterr().err
    assert "cannot be used as the arguments of a training run" in said
    assert "usage" not in said


@pytest.mark.usefixtures("quick_statistics")
def test_another_optimizer_cannot_go_on(tmp_path, noise_folder, cache, capsys):
    arguments = _arguments(tmp_path, noise_folder, cache, "--steps", "1")
    arguments += ["--channels", "16", "--validation-mixtures", "0"]  # 8 have no matrix for Muon
    assert cli.main(arguments) == 0
    assert cli.main([*arguments, "--steps", "2", "--resume", "--optimizer", "adamw"]) != 0
    assert "another optimizer" in capsys.readouterr().err


def test_a_polite_stop_saves_the_step_it_was_at(tmp_path, noise_folder, cache):
    """As terminals and service managers stop a run: all of its processes at once."""
    more = ("--steps", "1000000", "--save-every", "0", "--validation-mixtures", "0")
    arguments = _arguments(tmp_path, noise_folder, cache, *more, "--workers", "1")
    process = subprocess.Popen(
        [sys.executable, "-m", "frcrn_app", *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not (tmp_path / "state.pt").exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == cli.EXIT_INTERRUPTED
    step = torch.load(tmp_path / "state.pt", weights_only=True)["counters"]["step"]
    assert f"stopped at step {step}; go on with --resume" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once(number):
    with stopping_politely() as stopped:
        assert not stopped()
        signal.raise_signal(number)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--channels", "12"], "multiple of 8"),
        (["--source-weight", "noise"], "NAME=FACTOR"),
        (["--loss", "loudness=3"], "terms are magnitude"),
        (["--source-weight", "nowhere=0"], "No source is called nowhere"),
        (["--lookahead", "2"], "add --causal"),
        (["--speech", "nowhere"], "no speech folder"),
        (["--init", "nowhere"], "nowhere"),
    ],
)
def test_wrong_arguments_are_said_in_a_sentence(
    tmp_path, noise_folder, cache, capsys, more, sentence
):
    assert cli.main(_arguments(tmp_path, noise_folder, cache, *more)) == cli.EXIT_USER_ERROR
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said


def test_a_run_is_not_overwritten_unasked(tmp_path, noise_folder, cache, capsys):
    (tmp_path / "state.pt").touch()
    assert cli.main(_arguments(tmp_path, noise_folder, cache)) == cli.EXIT_USER_ERROR
    assert "--resume" in capsys.readouterr().err


def test_without_sound_it_says_what_to_name(capsys):
    assert cli.main(["train"]) == cli.EXIT_USER_ERROR
    assert "--speech" in capsys.readouterr().err
