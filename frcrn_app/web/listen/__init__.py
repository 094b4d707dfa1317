"""Listening tests of evaluations: made in the evaluate tab, taken on a page of their own."""

from frcrn_app.web.listen.panel import build_panel, connect_panel, panel_value
from frcrn_app.web.listen.routes import listening_routes
from frcrn_app.web.listen.shelf import Shelf

__all__ = ["Shelf", "build_panel", "connect_panel", "listening_routes", "panel_value"]
