"""Writing files whole or not at all, and telling files apart."""

import hashlib
import os
import secrets
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


def sha256_of(path: str | os.PathLike) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shown(path: str | os.PathLike[str]) -> str:
    """A path as it can be printed in one line: names may be any bytes, line breaks included."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
