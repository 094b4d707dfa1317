"""Results from one process to another: large arrays through a file, the rest as a pickle.

Pickling copies samples several times; a file that the receiver maps costs one copy, and is freed by
the system whatever becomes of either process. Not shared memory: containers have 64 MiB of it.
"""

import mmap
import os
import pickle
from pathlib import Path

_ALIGNMENT = 64  # bytes, that arrays start at multiples of

Parcel = tuple[bytes, list[int]]


def send(result: object, path: str) -> Parcel:
    """Write the arrays of a result to a file; returns the rest, and the arrays' sizes in bytes.

    Raises:
        OSError: as the file system says, such as on a full disk.
    """
    buffers: list[pickle.PickleBuffer] = []
    rest = pickle.dumps(result, protocol=5, buffer_callback=buffers.append)
    arrays = [buffer.raw() for buffer in buffers]
    if any(array.nbytes for array in arrays):
        with open(path, "wb") as file:
            for array in arrays:
                file.write(array)
                file.write(bytes(-array.nbytes % _ALIGNMENT))
    return rest, [array.nbytes for array in arrays]


def receive(parcel: Parcel, path: Path) -> object:
    """The result; its arrays are the file's pages, copied where they are written to."""
    rest, sizes = parcel
    padded = [size + -size % _ALIGNMENT for size in sizes]
    if not sum(sizes):
        return pickle.loads(rest, buffers=[bytearray() for _ in sizes])
    with path.open("rb") as file:
        if os.name == "nt":  # where a mapped file cannot be deleted
            pages = memoryview(bytearray(file.read()))
        else:
            pages = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    views, start = [], 0
    for size, step in zip(sizes, padded, strict=True):
        views.append(pages[start : start + size])
        start += step
    return pickle.loads(rest, buffers=views)
