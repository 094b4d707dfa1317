"""The menu of weights: what it offers, fetches and refuses."""

import hashlib
import http.server
import io
import threading
from dataclasses import replace

import pytest

from frcrn_app.web.options import WebOptions


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub on this machine with small weights under an official name, and nothing fetched yet."""
    import torch

    from frcrn_app.model import FRCRN, FRCRNConfig
    from frcrn_app.weights import OFFICIAL

    stored = io.BytesIO()
    torch.save(FRCRN(FRCRNConfig(channels=8)).state_dict(), stored)
    content = stored.getvalue()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    official = replace(
        OFFICIAL["frcrn-16k"],
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    monkeypatch.setitem(OFFICIAL, official.name, official)
    monkeypatch.delitem(OFFICIAL, "frcrn-se-16k")
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("FRCRN_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield official
    server.shutdown()


def test_choosing_official_weights_fetches_them_and_puts_them_to_work(engine, hub):
    from frcrn_app.web.denoise.weights_menu import choices, choose

    options = WebOptions()
    embedded = engine.at_work().name
    assert hub.name in {name for _, name in choices(options, engine)}
    shown = list(choose(options, engine, hub.name))
    assert 'role="progressbar"' in shown[0][1]
    menu, note = shown[-1]
    assert menu["value"] == hub.name
    assert hub.licence in note
    assert engine.at_work().name == hub.name != embedded  # the better weights are used from now on
    assert engine.get("auto").entry.name == hub.name


def test_where_fetching_is_not_allowed_nothing_is_fetched(engine, hub, tmp_path):
    from frcrn_app.web.denoise.weights_menu import choices, choose

    options = WebOptions(host="0.0.0.0", allow_fetch=False)
    assert hub.name not in {name for _, name in choices(options, engine)}
    menu, note = list(choose(options, engine, hub.name))[-1]
    assert menu["value"] == "auto"
    assert "may not be fetched" in note
    assert not hub.path_in(tmp_path).exists()
