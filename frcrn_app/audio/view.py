"""Files as decoders are shown them: in part, joined, or with a repaired header."""

import io
import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import BinaryIO

Piece = bytes | tuple[int, int]  # bytes of our own, or a file's from start to stop


class View(io.RawIOBase):
    """Pieces of an open file, and bytes between them, as one file to read.

    Args:
        file: open for reading; it stays open when the view is closed.
        pieces: in order.
    """

    def __init__(self, file: BinaryIO, pieces: Sequence[Piece]):
        super().__init__()
        self._file = file
        self._pieces = [piece for piece in pieces if _size(piece) > 0]
        self._starts = [0]
        for piece in self._pieces:
            self._starts.append(self._starts[-1] + _size(piece))
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._starts[-1]}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer) -> int:
        """Fill the buffer from one piece; 0 at the end."""
        if self._position >= self._starts[-1]:
            return 0
        index = bisect_right(self._starts, self._position) - 1
        piece, start, stop = self._pieces[index], self._starts[index], self._starts[index + 1]
        begin = self._position - start
        count = min(len(buffer), stop - self._position)
        if isinstance(piece, bytes):
            content = piece[begin : begin + count]
        else:
            self._file.seek(piece[0] + begin)
            content = self._file.read(count)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    @property
    def whole_file(self) -> bool:
        """Whether it shows the file as it is."""
        end = os.fstat(self._file.fileno()).st_size
        return self._pieces == [(0, end)]


def opened(file: BinaryIO, pieces: Sequence[Piece]) -> io.BufferedReader:
    """A buffered view."""
    return io.BufferedReader(View(file, pieces), 1 << 16)


def patched(
    start: int, stop: int, patches: Mapping[int, bytes], inserted: Mapping[int, bytes] = {}
) -> list[Piece]:
    """Pieces that show a file from `start` to `stop`, with bytes at some offsets replaced.

    Args:
        start, stop: offsets in the file.
        patches: what stands at some offsets in place of as many bytes.
        inserted: what stands before the bytes at some offsets.
    """
    changes = [(offset, content, 0) for offset, content in inserted.items()]
    changes += [(offset, content, len(content)) for offset, content in patches.items()]
    pieces: list[Piece] = []
    for offset, content, replaced in sorted(changes, key=lambda change: change[::2]):
        pieces += [(start, offset), content]
        start = offset + replaced
    return [*pieces, (start, stop)]


def _size(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
