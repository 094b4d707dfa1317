"""Every sentence that people read, in English and Chinese catalogues."""

from frcrn_app.i18n.catalogue import LANGUAGES, keys, language_of, text, texts

__all__ = ["LANGUAGES", "keys", "language_of", "text", "texts"]
