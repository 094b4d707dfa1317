"""The evaluate tab: labelled pairs go in, a report that people can trust comes out."""

from frcrn_app.web.evaluate.tab import build_evaluate_tab, evaluate_css
from frcrn_app.web.evaluate.test_set import TestSet

__all__ = ["TestSet", "build_evaluate_tab", "evaluate_css"]
