"""Sentences by key and language, from gettext catalogues: `en/ROOM.po`, `zh/ROOM.po`.

A message's id is its key, such as `audio.too_long`, so that no sentence stands in code. A message
with plural forms is chosen by the field `count`.
"""

from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "zh")


def text(key: str, language: str = "en", **fields: object) -> str:
    """The sentence of a key, with its `{fields}` filled in as `str.format` does.

    Raises:
        KeyError: no catalogue of that language has the key, or a field is missing.
    """
    words = _sentences(language)[key]
    if not isinstance(words, str):
        words = words[_plural(language, fields.get("count"))]
    return words.format(**fields) if fields else words


def texts(prefix: str, language: str) -> dict[str, str]:
    """Sentences whose key starts with `prefix.`, by what follows it, fields not filled in.

    Of those with plural forms the last form, which is for many.
    """
    start = f"{prefix}."
    return {
        key.removeprefix(start): words if isinstance(words, str) else words[-1]
        for key, words in _sentences(language).items()
        if key.startswith(start)
    }


def keys(language: str) -> set[str]:
    """Every key that a language has a sentence for."""
    return set(_sentences(language))


def language_of(wish: str | None) -> str:
    """The language that serves a code or an Accept-Language header best: "zh", else "en"."""
    return "zh" if (wish or "").strip()[:2].lower() == "zh" else "en"


@cache
def _sentences(language: str) -> dict[str, str | tuple[str, ...]]:
    from babel.messages.pofile import read_po

    sentences: dict[str, str | tuple[str, ...]] = {}
    for path in files("frcrn_app.i18n").joinpath(language).iterdir():
        if path.name.endswith(".po"):
            with path.open("rb") as file:
                catalogue = read_po(file, locale=language, abort_invalid=True)
            for message in catalogue:
                if message.id:
                    key = message.id if isinstance(message.id, str) else message.id[0]
                    words = message.string
                    sentences[key] = words if isinstance(words, str) else tuple(words or ())
    return sentences


def _plural(language: str, count: object) -> int:
    """Which form of a plural a count takes; the last one where there is no count."""
    from babel import Locale

    one = isinstance(count, int | float) and Locale(language).plural_form(count) == "one"
    return 0 if one else -1
