"""Fine-tuning to a noise makes that noise better, keeps the rest, and says what it did."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from scipy import signal

from frcrn_app import metrics
from frcrn_app.cli import main as cli
from frcrn_app.cli.finetune import finetune_config
from frcrn_app.errors import UserError
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.training import FineTuneConfig, FineTuneCorpora, fine_tune
from frcrn_app.training.finetune import run
from frcrn_app.training.finetune.corpora import example_noises
from frcrn_app.training.finetune.layers import blended, freeze_all_but
from frcrn_app.training.finetune.mixing import scored_mixtures, training_sets
from frcrn_app.training.finetune.run import widest_blend
from frcrn_app.training.scoring import enhance
from frcrn_app.weights import load_weights
from paths import EXAMPLES

RATE = 16_000
SMALL = {"batch_size": 6, "seconds": 1.5, "workers": 0, "scored": 8, "scored_seconds": 2.0}


@pytest.fixture(scope="module")
def pump(tmp_path_factory):
    """Half a minute of a pump: a band within speech's own that swells three times a second."""
    path = tmp_path_factory.mktemp("own") / "pump.wav"
    sos = signal.butter(4, [150, 600], "bandpass", fs=RATE, output="sos")
    time = np.arange(30 * RATE) / RATE
    noise = signal.sosfilt(sos, np.random.default_rng(0).standard_normal(30 * RATE))
    noise *= (1 + np.sin(2 * np.pi * 3 * time)) ** 2
    hiss = np.random.default_rng(1).standard_normal(30 * RATE)
    soundfile.write(path, 0.1 * noise / noise.std() + 0.001 * hiss, RATE)
    return path


@pytest.fixture(scope="module")
def corpora(pump, cache):
    return FineTuneCorpora.find([pump], cache=cache)


def test_own_noise_gains_and_general_noise_keeps_its_own(corpora, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "BLENDS", (1.0, 0.4))
    weights = load_weights("frcrn-live")  # the smaller network, which has more to gain
    # What eight mixtures lose by chance decides nothing.
    config = FineTuneConfig("decoder", steps=20, max_loss_pesq=0.02, **SMALL | {"batch_size": 4})
    result = fine_tune(weights, corpora, tmp_path / "pump.safetensors", config)

    own, general = result.rows
    assert own.after["si_sdr"] >= own.before["si_sdr"] + 0.2
    assert own.after["pesq"] >= own.before["pesq"] + 0.04
    assert general.after["si_sdr"] >= general.before["si_sdr"] - 0.1
    assert general.after["pesq"] >= general.before["pesq"] - 0.06
    assert general.before["si_sdr"] > general.noisy["si_sdr"]

    # The file is what was scored, and all but the decoders is what it was.
    tuned = load_weights(result.path)
    mixtures = scored_mixtures(corpora, config, config.seed)["own"]
    enhanced = enhance(tuned.model, [mixture.noisy for mixture in mixtures])
    scores = [metrics.si_sdr(m.clean, e) for m, e in zip(mixtures, enhanced, strict=True)]
    assert np.mean(scores) == pytest.approx(own.after["si_sdr"], abs=0.01)
    # Where general noise may not even keep its PESQ, nothing of what was learnt is kept.
    few = scored_mixtures(corpora, replace(config, scored=2), 7)
    for allowed, kept in ((1.0, True), (-1.0, False)):
        chosen = replace(config, max_loss_pesq=allowed, max_loss_db=9)
        assert (widest_blend(weights.model, tuned.model, few, chosen) > 0) == kept
    before = weights.model.state_dict()
    for name, tensor in tuned.model.state_dict().items():
        trained = name.partition(".")[2].startswith(
            ("linear", "decoders", "fsmn_dec", "se_layers_dec", "context_dec")
        )
        if not trained or ".running_" in name:
            assert torch.equal(tensor, before[name]), name


def test_held_out_noise_is_not_trained_on(corpora):
    (trained,), (held_out,) = corpora.own.noise, corpora.own_valid.noise
    assert trained.path == held_out.path
    assert trained.start + trained.frames <= held_out.start
    assert not corpora.speech.groups("speech") & corpora.speech_valid.groups("speech")


@pytest.mark.parametrize("layers", ["mask", "decoder", "all"])
def test_layers_learn_as_named_and_normalisation_stays(layers):
    model = freeze_all_but(FRCRN(FRCRNConfig(channels=8, unets=2)), layers)
    learning = {n for n, p in model.named_parameters() if p.requires_grad}
    for unet in ("unet", "unet2"):
        assert f"{unet}.linear.conv_re.weight" in learning
        assert f"{unet}.decoders.6.transconv.tconv_re.weight" in learning
        assert (f"{unet}.decoders.0.transconv.tconv_re.weight" in learning) == (layers != "mask")
        assert (f"{unet}.encoders.0.conv.conv_re.weight" in learning) == (layers == "all")
    assert len(learning) < len(list(model.parameters())) or layers == "all"


def test_blend_runs_from_the_original_to_the_trained():
    original, trained = FRCRN(FRCRNConfig(8, 1)), FRCRN(FRCRNConfig(8, 1))
    for share, expected in ((0.0, original), (1.0, trained)):
        mixed = blended(original, trained, share)
        for mine, theirs in zip(mixed.parameters(), expected.parameters(), strict=True):
            assert torch.allclose(mine, theirs, atol=1e-6)


def test_general_training_noise_is_made_up_unless_it_is_given(corpora):
    own, general = training_sets(corpora, FineTuneConfig(**SMALL))
    for i in range(40):
        assert "pump" not in general.mix(i).noise
    assert all("pump" in own.mix(i).noise for i in range(40) if own.mix(i).noise)


def test_example_noises_hold_no_speech(tmp_path):
    example_noises(tmp_path)
    noise, _ = soundfile.read(tmp_path / "english_fan.wav")
    clean, _ = soundfile.read(EXAMPLES / "pairs" / "clean" / "english_fan.flac")
    envelopes = [
        np.abs(x[: len(x) // 1600 * 1600]).reshape(-1, 1600).mean(1) for x in (noise, clean)
    ]
    assert abs(np.corrcoef(noise, clean)[0, 1]) < 0.05
    assert envelopes[0].std() / envelopes[0].mean() < 0.5 * envelopes[1].std() / envelopes[1].mean()


def test_too_little_noise_says_how_much(tmp_path, cache):
    soundfile.write(tmp_path / "short.wav", np.random.default_rng(0).normal(0, 0.1, 3 * RATE), RATE)
    with pytest.raises(UserError, match="at least 7 s"):
        FineTuneCorpora.find([tmp_path / "short.wav"], cache=cache)


def test_command_prints_the_table_and_writes_weights(pump, tmp_path, capsys):
    out = tmp_path / "mine.safetensors"
    arguments = ["finetune", "--noise", str(pump), "--out", str(out), "--weights", "frcrn-small"]
    arguments += ["--steps", "1", "--batch", "1", "--seconds", "1", "--workers", "0"]
    assert cli.main([*arguments, "--scored", "2", "--loss", "snr=1.8"]) == 0
    said = capsys.readouterr().out
    for word in ("your noise (held out)", "general noise", "SI-SDR", "before", "after", str(out)):
        assert word in said
    assert load_weights(out).config == load_weights("frcrn-small").config
    (row,) = csv.DictReader((tmp_path / "mine-run" / "log.csv").open())
    assert "snr=1.8 perceptual=26 intelligibility=80" in row["loss_weights"]


def test_the_command_and_the_library_have_the_same_defaults():
    args = cli.build_parser(["finetune"]).parse_args(["finetune", "--noise", "x"])
    assert finetune_config(args) == FineTuneConfig()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "--noise"),
        (["--noise", "x", "--out", "y.pt"], ".safetensors"),
        (["--noise", "x", "--loss", "loudness=3"], "terms are magnitude"),
    ],
)
def test_wrong_arguments_are_said_in_a_sentence(arguments, sentence, capsys):
    assert cli.main(["finetune", *arguments]) == cli.EXIT_USER_ERROR
    assert sentence in capsys.readouterr().err
