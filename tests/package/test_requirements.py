"""The pinned requirements are what pyproject.toml asks for, and each range contains its pin."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from paths import PACKAGE, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEMO = ("demo", "export", "train")  # the extras whose packages `make demo` installs
PARTS = {"pydantic_core": "pydantic"}  # comes with the other, and has no version of its own choice
ALL = tuple(PROJECT["optional-dependencies"])


def wanted(*extras: str) -> list[Requirement]:
    """The core's requirements and those of extras, in which extras may name each other."""
    lines = list(PROJECT["dependencies"])
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    found = []
    for requirement in map(Requirement, lines):
        if requirement.name == PROJECT["name"]:
            found += wanted(*requirement.extras)
        else:
            found.append(requirement)
    return found


def pins(file: str) -> dict[str, str]:
    lines = [line.split("#")[0].strip() for line in (ROOT / file).read_text().splitlines()]
    return dict(line.split("==") for line in lines if line)


def third_party_imports() -> Iterator[tuple[Path, str]]:
    """File and top-level name of each import that is neither Python's nor the project's own."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            for top in {module.partition(".")[0] for module in modules}:
                if top not in {"frcrn_app", "__future__", *sys.stdlib_module_names}:
                    yield path, PARTS.get(top, top)


@pytest.mark.parametrize(
    ("file", "extras"), [("requirements.txt", DEMO), ("requirements-dev.txt", ("dev",))]
)
def test_every_range_contains_its_pin_and_nothing_else_is_pinned(file, extras):
    pinned = pins(file)
    requirements = wanted(*extras)
    assert {canonicalize_name(requirement.name) for requirement in requirements} == set(pinned)
    for requirement in requirements:
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_both_files_pin_the_same_versions():
    demo, testing = pins("requirements.txt"), pins("requirements-dev.txt")
    assert demo.items() <= testing.items()


def test_these_tests_run_with_the_pinned_versions():
    installed = {name: version(name).split("+")[0] for name in pins("requirements-dev.txt")}
    assert installed == pins("requirements-dev.txt")


def test_every_package_that_is_imported_is_asked_for():
    named = {canonicalize_name(requirement.name) for requirement in wanted(*ALL)}
    brings = packages_distributions()
    brings["triton"] = ["torch"]  # its builds for a GPU, where alone it is imported
    missing = {}
    for path, module in third_party_imports():
        names = {canonicalize_name(name) for name in brings.get(module, [module])}
        if not names & named:
            missing.setdefault(module, str(path.relative_to(PACKAGE)))
    assert not missing
