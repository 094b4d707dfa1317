"""Both languages say everything, with the same blanks."""

import re
from importlib.resources import files

from frcrn_app.i18n import keys, text, texts


def test_every_language_has_all_words_with_the_same_blanks():
    english, chinese = texts("report", "en"), texts("report", "zh")
    assert english.keys() == chinese.keys()
    for key, words in english.items():
        blanks = [sorted(re.findall(r"{(\w+)", said)) for said in (words, chinese[key])]
        assert blanks[0] == blanks[1], key


def test_templates_use_words_that_exist():
    folder = files("frcrn_app.report") / "templates"
    for template in folder.iterdir():
        if template.name.endswith(".j2"):
            for key in re.findall(r"\bt\(['\"]([\w.]+)['\"]", template.read_text("utf-8")):
                if not key.endswith("_"):
                    assert f"report.{key}" in keys("en"), (template.name, key)


def test_one_file_is_one_file():
    assert text("report.files_counted", "en", count=1) == "1 file"
    assert text("report.files_counted", "en", count=2) == "2 files"
