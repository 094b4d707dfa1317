"""Which code page short texts are in that do not say it: names in archives, cells of a CSV file."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

# Double-byte code pages and the bytes of the characters that are common in them: those of the
# first level, ordered by use; Korean syllables; kana and the first level of kanji. Where a few
# characters are common in several, the order decides: archives with names in GBK are by far the
# most frequent, and Korean names long enough to tell are told.
_COMMON = {
    "gb18030": rb"[\xb0-\xd7][\xa1-\xfe]",
    "cp949": rb"[\xb0-\xc8][\xa1-\xfe]",
    "big5": rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]",
    "cp932": rb"\x82[\x9f-\xf1]|\x83[\x40-\x96]|[\x88-\x97][\x40-\x7e\x80-\xfc]",
}
_SINGLE_BYTE = ["cp1252", "cp1251", "cp866", "cp850", "cp437"]
_COMMON_SHARE = 0.8  # of the characters, for a double-byte code page to be believed
_KOREAN_CHARACTERS = 8  # all of them syllables: Chinese text has other characters by then


def encoding_of(content: bytes, mentions: str = "") -> str | None:
    """The encoding of a text, such as "utf-8" or "gb18030"; None where none fits.

    Args:
        content: lines of text.
        mentions: other text in which lines of it are known to occur, such as a manifest of the
            files whose names they are; it decides where it can.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16" if _decodes(content, "utf-16") else None
    for certain in ("ascii", "utf-8-sig"):  # chance text in a code page is hardly ever valid UTF-8
        if _decodes(content, certain):
            return certain
    candidates = [page for page in (*_COMMON, *_SINGLE_BYTE) if _decodes(content, page)]
    for page in candidates:
        lines = (line for line in content.decode(page).splitlines() if not line.isascii())
        if mentions and any(re.split(r"[/\\]", line)[-1] in mentions for line in lines):
            return page
    shares = {page: _share(content, page) for page in candidates if page in _COMMON}
    believed = [page for page, (_, share) in shares.items() if share >= _COMMON_SHARE]
    if believed:
        best = max(believed, key=lambda page: shares[page][1])
        korean, share = shares.get("cp949", (0, 0.0))
        return "cp949" if share == 1 and korean >= _KOREAN_CHARACTERS else best
    guess = from_bytes(content, cp_isolation=_SINGLE_BYTE).best()
    return guess.encoding if guess is not None else None


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _share(content: bytes, page: str) -> tuple[int, float]:
    """How many characters of two bytes there are, and the share of them that are common."""
    characters = [letter.encode(page) for letter in content.decode(page) if not letter.isascii()]
    common = sum(re.fullmatch(_COMMON[page], letter) is not None for letter in characters)
    return len(characters), common / len(characters)
