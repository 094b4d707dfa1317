"""Writing files whole or not at all, and telling files apart."""

import hashlib
import os
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(target: str | os.PathLike) -> Iterator[Path]:
    """A path to write to, which becomes `target` when the block ends well and is gone otherwise.

    It lies in the target's folder, which is made where it is missing, and keeps the target's
    suffix. Its name is short whatever the target's is, so that a name of 255 bytes can be written.

    Raises:
        OSError: as the file system says.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{secrets.token_hex(8)}{target.suffix[:16]}")
    try:
        yield draft
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def may_hold_json_lines(path: str | os.PathLike) -> bool:
    """Whether a file is not there yet, empty, or begins as lines of JSON objects do.

    What does not is somebody's other file, named by mistake. Raises OSError.
    """
    try:
        with open(path, "rb") as file:
            return file.read(1) in (b"", b"{")
    except FileNotFoundError:
        return True


def sha256_of(path: str | os.PathLike) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shown(path: str | os.PathLike[str]) -> str:
    """A path that can be printed in one line: names may be any bytes, line breaks included.

    What is no text stands as `\\xNN` or `\\uNNNN`, so that other names still look different.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(letter if _is_visible(letter) else _escaped(letter) for letter in text)


def _is_visible(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"  # spaces of any width


def _escaped(letter: str) -> str:
    return f"\\x{ord(letter):02x}" if ord(letter) < 256 else f"\\u{ord(letter):04x}"
