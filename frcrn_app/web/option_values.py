"""What options may hold: the types of `WebOptions`' fields, which say what is wrong with a text."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def wrong(sentence: str) -> PydanticCustomError:
    """An error whose sentence may hold any character, braces included."""
    return PydanticCustomError("option", "{sentence}", {"sentence": sentence})


def _users(value: object) -> object:
    """Users and passwords of --auth: "user:password", or a file with one on each line."""
    if not isinstance(value, str):
        return value
    path = Path(value).expanduser()
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [value]
    users = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, password = line.strip().partition(":")
        if not (user and colon and password):
            where = f"line {number} of {path}" if path.is_file() else "the value"
            raise wrong(f"takes USER:PASS, or a file with one on each line; {where} is neither")
        users.append((user, password))
    if not users:
        raise wrong(f"the file {path} names no user")
    return users


def _paths(value: object) -> object:
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def _file(path: Path) -> Path:
    if not path.is_file():
        raise wrong(f"there is no file {path}")
    return path


def _folder(path: Path) -> Path:
    path = path.expanduser().resolve()
    if not path.is_dir():
        raise wrong(f"there is no folder {path}")
    return path


def _finite_and_positive(seconds: float) -> float:
    if not 0 < seconds < float("inf"):
        raise wrong(f"must be more than 0, not {seconds:g}")
    return seconds


def _size(value: object) -> object:
    """Bytes of "4G", "512M" or a plain number."""
    if not isinstance(value, str):
        return value
    number, unit = value.strip().upper().removesuffix("B").removesuffix("I"), 1
    if number[-1:] in _UNITS:
        number, unit = number[:-1], _UNITS[number[-1]]
    try:
        size = int(float(number) * unit)
    except (OverflowError, ValueError):
        size = 0
    if size <= 0:
        raise wrong(f'takes a size such as 4G or 512M, not "{value}"')
    return size


def _list(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _root_path(value: str) -> str:
    value = value.rstrip("/")
    if value and not value.startswith(("/", "http://", "https://")):
        raise wrong(f'takes a path such as /denoiser, not "{value}"')
    return value


Positive = Annotated[float, AfterValidator(_finite_and_positive)]
Size = Annotated[int, BeforeValidator(_size)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_list)]
RootPath = Annotated[str, AfterValidator(_root_path)]
Users = Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_users)]
File = Annotated[Path, AfterValidator(_file)]
Folders = Annotated[
    tuple[Annotated[Path, AfterValidator(_folder)], ...], NoDecode, BeforeValidator(_paths)
]
