"""Pictures of recordings."""

import numpy as np
import pytest


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
