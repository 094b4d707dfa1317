"""Arrows between the rooms of the package are those that CONTRIBUTING.md draws."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paths import PACKAGE, ROOT

GROUND = {
    "constants",
    "errors",
    "faults",
    "files",
    "i18n",
    "memory",
    "resources",
    "scratch",
    "threads",
    "version",
}

DOORS = {"cli", "web"}  # may import every room, but not each other


def drawn() -> dict[str, set[str]]:
    """Room to the rooms that it may import beside the ground, from CONTRIBUTING.md's table."""
    rows = re.findall(r"^\| `(\w+)` \|.*\|([^|]*)\|$", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    return {room: set(arrows.replace(",", " ").split()) for room, arrows in rows}


ARROWS = drawn()

# Rooms are entered by their `__init__`, with these exceptions: the fused form and the layouts of
# checkpoints follow the network layer by layer, and some commands are rooms within a room.
INNER = {
    ("inference", "model"),
    ("weights", "model"),
    ("cli", "inference"),
}


def imports() -> Iterator[tuple[Path, str, str, list[str]]]:
    """File, its room, the module it imports and the names taken from that."""
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path} imports relatively"
                names = [alias.name for alias in node.names]
                if node.module == "frcrn_app":
                    yield from ((path, room, f"frcrn_app.{name}", []) for name in names)
                else:
                    yield path, room, node.module or "", names
            elif isinstance(node, ast.Import):
                yield from ((path, room, alias.name, []) for alias in node.names)


def across() -> Iterator[tuple[Path, str, str, str, list[str]]]:
    """Imports of the package's own from another room: file, room, other room, inner path, names."""
    for path, room, module, names in imports():
        if module.startswith("frcrn_app."):
            other, _, inner = module.removeprefix("frcrn_app.").partition(".")
            if other != room:
                yield path, room, other, inner, names


def told(path: Path, text: str) -> str:
    return f"{path.relative_to(PACKAGE)} {text}"


def test_every_room_is_drawn():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(ARROWS) | DOORS | (GROUND & rooms)


def test_arrows_point_down():
    wrong = []
    for path, room, other, _, _ in across():
        if room in ("__init__", "__main__"):
            continue
        if room in DOORS:
            allowed = GROUND | set(ARROWS)
        else:
            allowed = GROUND if room in GROUND else GROUND | ARROWS[room]
        if other not in allowed:
            wrong.append(told(path, f"imports {other}"))
    assert not wrong


def test_the_picture_has_no_circle():
    done: set[str] = set()
    while set(ARROWS) - done:
        lowest = {room for room in set(ARROWS) - done if ARROWS[room] <= done}
        assert lowest, f"a circle among {set(ARROWS) - done}"
        done |= lowest


def test_rooms_are_entered_by_their_front_door():
    wrong = [
        told(path, f"reaches into {other}.{inner}")
        for path, room, other, inner, _ in across()
        if inner and (room, other) not in INNER and room not in ("__init__", "__main__")
    ]
    assert not wrong


def test_private_names_stay_in_their_room():
    wrong = [
        told(path, f"takes {name} of {other}")
        for path, _, other, _, names in across()
        for name in names
        if name.startswith("_") and not name.startswith("__")
    ]
    assert not wrong


def test_the_network_needs_torch_alone():
    # Triton comes with torch's builds for a GPU, where alone it is imported.
    allowed = {"torch", "triton", "frcrn_app", *sys.stdlib_module_names}
    wrong = [
        told(path, f"imports {module}")
        for path, room, module, _ in imports()
        if room == "model" and module.partition(".")[0] not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("outside", ["benchmarks", "tests", "app", "examples"])
def test_nothing_of_the_package_needs_what_images_and_wheels_lack(outside):
    wrong = [
        told(path, module) for path, _, module, _ in imports() if module.split(".")[0] == outside
    ]
    assert not wrong
