"""One server for the tests of the batch, with a network that costs next to nothing."""

import pytest

from frcrn_app.web.options import WebOptions

MAX_SECONDS = 20


@pytest.fixture(scope="module")
def demo(small_weights):
    """The page for recordings of up to 20 s, its endpoints also offered as tools."""
    from frcrn_app.web.app import build_app, close, launch

    options = WebOptions(
        weights=str(small_weights), max_seconds=MAX_SECONDS, allow_fetch=False, mcp=True
    )
    app = build_app(options)
    app.address = launch(app, options).rstrip("/")
    yield app
    assert close(app)
