"""What `import frcrn_app` offers."""

import pytest

import frcrn_app


def test_the_public_names_are_there():
    for name in frcrn_app.__all__:
        assert getattr(frcrn_app, name)
    assert set(frcrn_app.__all__) <= set(dir(frcrn_app))
    with pytest.raises(AttributeError, match="no attribute 'Denoise'"):
        frcrn_app.Denoise  # noqa: B018
