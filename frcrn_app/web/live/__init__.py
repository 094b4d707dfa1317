"""The live tab: a microphone's sound to the network and back while one speaks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frcrn_app.web.live.live import Live
    from frcrn_app.web.live.messages import LARGEST_BYTES
    from frcrn_app.web.live.streams import StreamsProcesses, processes_for
    from frcrn_app.web.live.tab import build_live_tab, live_css
    from frcrn_app.web.live.weights import live_weights

__all__ = [
    "LARGEST_BYTES",
    "Live",
    "StreamsProcesses",
    "build_live_tab",
    "live_css",
    "live_weights",
    "processes_for",
]
_WHERE = {
    "LARGEST_BYTES": "messages",
    "Live": "live",
    "StreamsProcesses": "streams",
    "build_live_tab": "tab",
    "live_css": "tab",
    "live_weights": "weights",
    "processes_for": "streams",
}


def __getattr__(name: str) -> Any:
    """Everything is imported late: the process that cleans needs no page."""
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(import_module(f"frcrn_app.web.live.{_WHERE[name]}"), name)
