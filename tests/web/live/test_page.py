"""The live tab's WebSocket as part of the page: behind its log-in and under its path."""

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from web.live.conftest import visiting


@pytest.fixture(scope="module")
def page(halving_weights):
    from frcrn_app.web.app import build_app, close, launch
    from frcrn_app.web.options import WebOptions

    options = WebOptions(
        live_weights=halving_weights,
        live_visitors=2,
        auth="ada:lovelace",
        root_path="/sub",
        public=True,
        allow_fetch=False,
    )
    app = build_app(options)
    launch(app, options)
    yield f"http://127.0.0.1:{app.server_port}"
    assert close(app)


def test_nobody_is_live_before_the_log_in(page):
    with pytest.raises(InvalidStatus), visiting(page):
        pass
    assert httpx.get(f"{page}/frcrn/live").status_code == 401  # which would start the network
    answer = httpx.post(f"{page}/login", data={"username": "ada", "password": "lovelace"})
    cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    for path in ("", "/sub"):  # whether or not the proxy takes it away
        with visiting(page + path, additional_headers={"cookie": cookie}) as visitor:
            visitor.wait_for("ready")
    lines = httpx.get(f"{page}/metrics").text
    assert "frcrn_live_sessions" in lines
