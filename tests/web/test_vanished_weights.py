"""Weights whose file goes away while the demo runs."""

import shutil

import pytest

from frcrn_app.errors import CheckpointError
from frcrn_app.web.faults import sentence
from frcrn_app.web.options import WebOptions


def test_the_next_job_looks_for_vanished_weights_again(tmp_path, small_weights, noisy_speech):
    from frcrn_app.web.engine import Engine

    own = tmp_path / "mine.safetensors"
    engine = Engine(WebOptions(weights=str(own)))
    short = noisy_speech.with_samples(noisy_speech.samples[:, :16_000])
    try:
        with pytest.raises(CheckpointError) as refused:  # gone before the first job
            engine.run(short)
        said = sentence(refused.value)
        assert own.name in said
        assert str(tmp_path) not in said
        assert not engine.works(1)
        shutil.copy(small_weights, own)
        assert engine.run(short).samples.shape == short.samples.shape
        assert engine.works()
        own.unlink()  # a network that is loaded works on
        assert engine.run(short).samples.shape == short.samples.shape
        assert engine.at_work().name == "mine"
    finally:
        assert engine.close()
