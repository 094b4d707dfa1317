"""The page's words, from the catalogues: labels that Gradio translates, and tables for JavaScript.

A text with HTML in it is one key, since Gradio translates one key in a string.
"""

import gradio as gr
from gradio.i18n import I18nData

from frcrn_app.i18n import LANGUAGES, keys, texts
from frcrn_app.i18n import text as sentence

_PREFIXES = ("page", "evaluate")  # of the keys that Gradio knows


def build_i18n() -> gr.I18n:
    """Gradio's translator of the whole page; page.js sees to it that the locale is one of these."""
    own = {
        language: {
            _gradio_key(key): sentence(key, language)
            for key in keys(language)
            if key.partition(".")[0] in _PREFIXES
        }
        for language in LANGUAGES
    }
    return gr.I18n(**own)


def text(key: str) -> I18nData:
    """A translated label, title, info or value, by a key such as "page.hero"."""
    return I18nData(_gradio_key(key))


def tables(prefix: str) -> dict[str, dict[str, str]]:
    """Every text of a prefix, by language and by the rest of its key: for a JavaScript module."""
    return {language: texts(prefix, language) for language in LANGUAGES}


def _gradio_key(key: str) -> str:
    # Gradio translates every label and value that equals one of its own keys, such as "video".
    return "frcrn_" + key.replace(".", "_")
