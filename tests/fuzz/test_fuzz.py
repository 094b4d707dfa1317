"""A short part of campaign.py: the same cases every time."""

import pytest
from fuzz.campaign import fuzz
from fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_files_get_a_sentence_and_nothing_else(target):
    counts = fuzz(target, 12 if target == "checkpoint" else 120)
    assert len(counts) > 1  # some were read, or for more than one reason not
