"""The evaluate tab: labelled pairs go in, a report that people can trust comes out."""

from typing import TYPE_CHECKING, Any

from frcrn_app.web.evaluate.test_set import TestSet

if TYPE_CHECKING:
    from frcrn_app.web.evaluate.tab import build_evaluate_tab, evaluate_css

__all__ = ["TestSet", "build_evaluate_tab", "evaluate_css"]


def __getattr__(name: str) -> Any:
    """The tab is imported late: processes that look into a test set need no page."""
    if name not in __all__:
        raise AttributeError(name)
    from frcrn_app.web.evaluate import tab

    return getattr(tab, name)
