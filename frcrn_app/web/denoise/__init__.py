"""The first tab: a recording goes in, the cleaned one comes out, both can be compared."""

from frcrn_app.web.denoise.results import Results
from frcrn_app.web.denoise.tab import EXAMPLES_FOLDER, build_denoise_tab

__all__ = ["EXAMPLES_FOLDER", "Results", "build_denoise_tab"]
