"""What a file's first bytes tell: that it may hold audio, or is something else altogether."""

from pathlib import Path

from frcrn_app.audio.chunks import dialect_of
from frcrn_app.errors import UserError

EBML = b"\x1a\x45\xdf\xa3"
FLAC = b"fLaC"
AMR = (b"#!AMR\n", b"#!AMR-WB\n")
_MAGICS = (
    *(b".snd", b"dns.", b"ID3", b"FLV\x01", b"MAC ", b"wvpk", b"TTA1", b"DSD ", b"tBaK"),
    *(b"MP+", b"MPCK", b".RMF", b".ra\xfd", b"Creative Voice File", b"NIST_1A\n"),
)
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def foreign_kind(path: Path) -> UserError | None:
    """What a file is, such as a PNG picture, where its first bytes rule out audio."""
    with path.open("rb") as file:
        head = file.read(16).lower()
    if head.startswith(b"\x89png"):
        return UserError("audio.kind.png")
    if head.startswith(b"\xff\xd8\xff"):
        return UserError("audio.kind.jpeg")
    if head.startswith(b"gif8"):
        return UserError("audio.kind.gif")
    if head.startswith(b"%pdf"):
        return UserError("audio.kind.pdf")
    if head.startswith(b"pk\x03\x04"):
        return UserError("audio.kind.zip")
    if head.startswith((b"<!doctype", b"<html")):
        return UserError("audio.kind.web_page")
    return None


def looks_like_audio(head: bytes) -> bool:
    """Whether a file's first 400 bytes are those of a container that may hold audio."""
    if head[:4] == b"RIFF":
        return head[8:12] in (b"WAVE", b"AVI ")
    if head[4:8] == b"ftyp":
        return head[8:12] not in (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
    if dialect_of(head[:16]) is not None or head.startswith((EBML, FLAC, b"OggS", *AMR)):
        return True
    if head.startswith(_MAGICS):
        return True
    if head.startswith(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11") or head[4:8] in MP4_BOXES:  # ASF
        return True
    if _is_transport_stream(head) or head.startswith(b"\0\0\1\xba"):
        return True
    # MPEG audio, AAC in ADTS, AC-3
    return (head[:1] == b"\xff" and head[1:2] > b"\xe1") or head.startswith(b"\x0b\x77")


def _is_transport_stream(head: bytes) -> bool:
    """Packets of 188 bytes, or of 192 with a time stamp before each."""
    return head[:1] == head[188:189] == b"G" or head[4:5] == head[196:197] == b"G"
