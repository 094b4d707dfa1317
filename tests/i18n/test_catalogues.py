"""Every sentence stands once, in both languages, and none stands in code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from frcrn_app import errors
from frcrn_app.i18n import LANGUAGES, keys
from paths import PACKAGE

CODE = re.compile(r"[a-z_]+(\.[\w-]+)+")
ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.UserError)
}


def catalogue(language: str) -> dict[str, str | tuple[str, ...]]:
    """Messages by key, as translators see them: plural forms as a tuple."""
    found = {}
    for path in sorted((PACKAGE / "i18n" / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language, abort_invalid=True):
                if message.id:
                    key = message.id if isinstance(message.id, str) else message.id[0]
                    assert key not in found, f"{key} stands in two catalogues"
                    found[key] = message.string
    return found


def fields(words: str | tuple[str, ...]) -> set[str]:
    """Names of the fields that a sentence, or any form of its plural, has."""
    forms = [words] if isinstance(words, str) else words
    return {
        re.split(r"[.\[]", name)[0]
        for form in forms
        for _, name, _, _ in Formatter().parse(form)
        if name
    }


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def raised() -> Iterator[tuple[str, ast.Call]]:
    """Calls that make an error of the user's, with where they stand."""
    for path, tree in sources():
        kinds = ERRORS | {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            and any(isinstance(base, ast.Name) and base.id in ERRORS for base in node.bases)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = (
                node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            )
            if name in kinds and (node.args or node.keywords):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def literals(node: ast.expr) -> list[str] | None:
    """The strings that an expression may be, or None where it is not written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        both = literals(node.body), literals(node.orelse)
        return None if None in both else [*both[0], *both[1]]
    return None


@pytest.fixture(scope="module")
def catalogues() -> dict[str, dict[str, str | tuple[str, ...]]]:
    return {language: catalogue(language) for language in LANGUAGES}


def test_both_languages_have_every_sentence(catalogues):
    assert catalogues["en"].keys() == catalogues["zh"].keys()
    assert keys("en") == catalogues["en"].keys()
    empty = {
        key
        for key, words in catalogues["zh"].items()
        if not words and catalogues["en"][key].strip()
    }
    assert empty == set()


def test_both_languages_name_the_same_fields(catalogues):
    different = {
        key: (fields(words), fields(catalogues["zh"][key]))
        for key, words in catalogues["en"].items()
        if fields(words) != fields(catalogues["zh"][key])
    }
    assert different == {}


def test_chinese_is_chinese(catalogues):
    """But for names, such as FLAC, a sentence has Chinese characters in it."""
    english = {
        key
        for key, words in catalogues["zh"].items()
        if words == catalogues["en"][key] and re.search(r"[a-z]{3,} [a-z]{2,}", str(words))
    }
    assert english == set()


def test_errors_carry_codes_that_have_sentences():
    known = keys("en")
    wrong = []
    for where, call in raised():
        codes = literals(call.args[0]) if call.args else []
        wrong += [f"{where}: {code}" for code in codes or () if code not in known]
        if isinstance(call.args[0] if call.args else None, ast.JoinedStr):
            wrong.append(f"{where}: the code is put together")
    assert wrong == []


def test_errors_fill_every_field(catalogues):
    """Where all fields are written out in the call."""
    missing = []
    for where, call in raised():
        given = {keyword.arg for keyword in call.keywords}
        if None in given or not call.args:
            continue
        for code in literals(call.args[0]) or ():
            lacking = fields(catalogues["en"].get(code, "")) - given
            if lacking:
                missing.append(f"{where}: {code} lacks {sorted(lacking)}")
    assert missing == []


def test_no_sentence_is_left_unused():
    """A key is used where it is written out, or where its start is, as in f"source.{name}"."""
    written, starts = set(), set()
    for _, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                written.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                starts.add(str(node.values[0].value))
    for path in PACKAGE.rglob("*"):
        if path.suffix in (".js", ".j2"):
            source = path.read_text(encoding="utf-8")
            written.update(re.findall(r"[\w.-]+", source))
            starts.update(re.findall(r"`([a-z][\w.-]*)\$\{", source))
            starts.update(re.findall(r"""["']([a-z][\w.-]*[._])["'] ~""", source))
    starts = {start for start in starts if re.fullmatch(r"[a-z][\w-]*[._]([\w.-]*)", start)}
    unused = set()
    for key in keys("en"):
        rest = key.partition(".")[2]
        spelled = key in written or rest in written
        if not spelled and not any(key.startswith(s) or rest.startswith(s) for s in starts):
            unused.add(key)
    assert unused == set()
