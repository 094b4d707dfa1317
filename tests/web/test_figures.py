"""Pictures of recordings."""

import numpy as np
import pytest

from recordings import RATE, noise


def test_spectrograms_share_one_scale(make_tone, tmp_path):
    from PIL import Image

    from frcrn_app.web.figures import COLUMNS, ROWS, save_spectrograms

    loud = make_tone(2.0, frequency=2000).samples
    pair = save_spectrograms(loud, 0.01 * loud, 16_000, tmp_path)
    pictures = [
        np.asarray(Image.open(path).convert("L"), float) for path in (pair.original, pair.cleaned)
    ]
    assert all(picture.shape == (ROWS, COLUMNS) for picture in pictures)
    row = ROWS - round(ROWS * 2000 / pair.top_hz)
    loudest = [int(picture.mean(axis=1).argmax()) for picture in pictures]
    assert all(abs(found - row) <= 3 for found in loudest)
    assert pictures[0].max() > pictures[1].max() + 30  # 40 dB less is much darker
    assert pair.top_dbfs == pytest.approx(20 * np.log10(0.5), abs=0.5)


def test_long_recordings_are_pictured_without_copies_of_them(tmp_path):
    """Two hours may be under way: what is drawn of them must not take as much again."""
    import tracemalloc

    from frcrn_app.web.figures import save_spectrograms, waveform_peaks

    samples = noise(8 * 60 * RATE)  # 31 MB
    looks = {
        1e6: lambda: waveform_peaks(samples),
        # For a block of 33 s, whatever the length.
        85e6: lambda: save_spectrograms(samples, samples[:, :RATE], RATE, tmp_path),
    }
    tracemalloc.start()
    for allowed, look in looks.items():
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        look()
        _, most = tracemalloc.get_traced_memory()
        assert most - before < allowed
    tracemalloc.stop()
