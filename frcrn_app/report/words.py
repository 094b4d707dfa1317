"""The words of a report in one language; they stand in the catalogues `report.po`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from frcrn_app.evaluation import NOISY
from frcrn_app.i18n import text


@dataclass(frozen=True)
class Words:
    """Called with a key below "report." and its fields, gives the sentence."""

    language: str  # "en" or "zh"

    def __call__(self, key: str, **fields: object) -> str:
        return text(f"report.{key}", self.language, **fields)

    def system(self, name: str) -> str:
        """What a reader calls a system; the noisy recordings are one."""
        return self("role_noisy") if name == NOISY else name


def listed(names: Sequence[str], words: Words) -> str:
    """Names in a row, the last two joined by the language's "and"."""
    if len(names) < 2:
        return "".join(names)
    return words("and", first=words("list").join(names[:-1]), last=names[-1])
