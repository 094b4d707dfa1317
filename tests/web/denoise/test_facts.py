"""What the page says about a result."""

import numpy as np
import pytest


def test_noise_reduction_is_the_fall_of_level_in_the_pauses(speech, make_tone):
    from frcrn_app.web.denoise.facts import MAX_REDUCTION_DB, noise_reduction_db

    rng = np.random.default_rng(0)
    noise = 0.02 * rng.standard_normal((1, 48_000)).astype(np.float32)
    voice = np.zeros_like(noise)
    voice[:, 8_000:40_000] = make_tone(2.0).samples[:, :32_000]
    reduction = noise_reduction_db(voice + noise, voice + 0.1 * noise, 16_000)
    assert reduction == pytest.approx(20, abs=0.5)
    assert noise_reduction_db(voice + noise, voice, 16_000) == MAX_REDUCTION_DB
    assert noise_reduction_db(voice, voice, 16_000) is None
