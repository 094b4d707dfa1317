"""What tests of the page share."""

import pytest

from frcrn_app.web.options import WebOptions


@pytest.fixture
def engine():
    from frcrn_app.web.engine import Engine

    engine = Engine(WebOptions())
    yield engine
    engine.close()
