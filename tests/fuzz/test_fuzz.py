"""A short part of campaign.py: the same cases every time."""

import pytest

from frcrn_app.isolation import pool, stop
from fuzz.campaign import fuzz
from fuzz.targets import TARGETS


@pytest.fixture(scope="module", autouse=True)
def _one_process():
    """Cases come one at a time, and each process would import torch for itself."""
    stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "WORKERS", 1)
        yield
        stop()


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_files_get_a_sentence_and_nothing_else(target):
    counts = fuzz(target, 12 if target == "checkpoint" else 120)
    assert len(counts) > 1  # some were read, or for more than one reason not
