"""What stands in front of the page: limits, headers, log-in, health, metrics, fair turns."""

from frcrn_app.web.guard.asgi import visitor_of
from frcrn_app.web.guard.connections import bound_connections
from frcrn_app.web.guard.errors import GuardError
from frcrn_app.web.guard.gradio_queue import fair_place
from frcrn_app.web.guard.guard import Guard
from frcrn_app.web.guard.logs import set_up as set_up_logs
from frcrn_app.web.guard.options import GuardOptions

__all__ = [
    "Guard",
    "GuardError",
    "GuardOptions",
    "bound_connections",
    "fair_place",
    "set_up_logs",
    "visitor_of",
]
