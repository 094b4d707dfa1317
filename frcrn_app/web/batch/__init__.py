"""The batch tab: many recordings go in, all come back in one archive."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frcrn_app.web.batch.batches import Batches
    from frcrn_app.web.batch.routes import batch_routes
    from frcrn_app.web.batch.tab import build_batch_tab

__all__ = ["Batches", "batch_routes", "build_batch_tab"]

_MODULES = {"Batches": "batches", "batch_routes": "routes", "build_batch_tab": "tab"}


def __getattr__(name: str) -> Any:
    """All is imported late: processes that look into a visitor's file need no page."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"frcrn_app.web.batch.{_MODULES[name]}"), name)
