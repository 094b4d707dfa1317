"""The page's style sheets, which are all loaded at once."""

import re
from collections import defaultdict

from frcrn_app.web.static_files import ASSETS

EVERYWHERE = {"page.css", "narrow.css"}  # what all tabs share, and what narrow screens change


def bare_classes(css: str) -> set[str]:
    """Classes of a sheet that it styles wherever they stand."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    while (flat := re.sub(r"\([^()]*\)", "", css)) != css:
        css = flat
    found = set()
    for rule in re.findall(r"([^{}]+)\{", css):
        for selector in rule.split(","):
            outer, *inner = re.split(r"[\s>+~]+", selector.strip())
            if outer.startswith(".") and not any("." in part for part in inner):
                found.add(re.split(r"[.:\[]", outer)[1])
    return found


def test_no_class_has_a_style_in_two_sheets():
    """Otherwise a tab changes the looks of another one."""
    sheets = defaultdict(list)
    for path in ASSETS.rglob("*.css"):
        if path.name not in EVERYWHERE:
            for name in bare_classes(path.read_text(encoding="utf-8")):
                sheets[name].append(path.name)
    assert "fr-card" in sheets
    assert {name: where for name, where in sheets.items() if len(where) > 1} == {}
