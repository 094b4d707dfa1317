"""Endings, containers and codings: which are read, and which is written for which."""

import os
from collections.abc import Iterator
from pathlib import Path

FORMATS = ("same", "wav16", "wav-float", "flac")

# Endings of what the decoders read. A file of another ending counts as audio where its first
# bytes say so (`find_audio`).
AUDIO_SUFFIXES = frozenset(
    {
        *(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".au", ".snd"),
        *(".caf", ".sph", ".flac", ".ogg", ".oga", ".ogx", ".ogv", ".opus", ".spx", ".mp3", ".mp2"),
        *(".mpa", ".m2a", ".m4a", ".m4b", ".m4r", ".mp4", ".m4v", ".f4v", ".f4a", ".mov", ".qt"),
        *(".3gp", ".3gpp", ".3g2", ".3ga", ".mj2", ".psp", ".ism", ".isma", ".ismv", ".webm"),
        *(".weba", ".mkv", ".mka", ".mk3d", ".avi", ".divx", ".aac", ".ac3", ".eac3", ".ec3"),
        *(".dts", ".dtshd", ".amr", ".awb", ".wma", ".wmv", ".asf", ".mpg", ".mpeg", ".vob"),
        *(".m2p", ".ts", ".mts", ".m2ts", ".m2t", ".flv", ".wv", ".ape", ".apl", ".mac", ".tta"),
        *(".dsf", ".iff", ".8svx", ".voc", ".mpc", ".gsm", ".tak", ".oma", ".omg", ".aa3", ".rm"),
        *(".ra", ".rmvb", ".thd", ".mlp", ".wtv", ".mxf", ".nut", ".qcp", ".dv", ".dif", ".loas"),
    }
)

# Containers that are written again as they came, with the endings that suit them; the first is
# given to a file whose name says something else.
CONTAINER_SUFFIXES = {
    "WAV": (".wav", ".wave", ".bwf"),
    "WAVEX": (".wav", ".wave", ".bwf"),
    "RF64": (".wav", ".wave", ".rf64"),
    "W64": (".w64",),
    "AIFF": (".aiff", ".aif", ".aifc"),
    "AU": (".au", ".snd"),
    "CAF": (".caf",),
    "FLAC": (".flac",),
    "OGG": (".ogg", ".oga", ".opus"),
    "MP3": (".mp3",),
    "MP4": (".m4a", ".m4b"),
    "WEBM": (".webm", ".weba"),
    "MKA": (".mka",),
}
_SUFFIX_CONTAINERS = {
    suffix: container
    for container, suffixes in reversed(CONTAINER_SUFFIXES.items())
    for suffix in suffixes
}
WAV_FAMILY = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF")

# What becomes of endings that are not written again.
_REPLACED_SUFFIXES = {
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3gpp", ".3g2", ".3ga"), ".m4a"),
    **dict.fromkeys((".f4v", ".f4a", ".m4r", ".mj2", ".psp", ".ism", ".isma", ".ismv"), ".m4a"),
    **dict.fromkeys((".mkv", ".mk3d"), ".webm"),
    **dict.fromkeys((".wv", ".ape", ".apl", ".mac", ".tta", ".tak"), ".flac"),
}
FORMAT_SUFFIXES = {"wav16": ".wav", "wav-float": ".wav", "flac": ".flac"}

# Integer PCM by soundfile subtype: bits a sample. A float sample s is round(s * 2**(bits - 1)).
PCM_BITS = {
    "PCM_S8": 8,
    "PCM_U8": 8,
    "PCM_16": 16,
    "PCM_24": 24,
    "PCM_32": 32,
    "ULAW": 16,  # companded from 16-bit samples
    "ALAW": 16,
}
FLOAT_SUBTYPES = ("FLOAT", "DOUBLE")
# libsndfile's ALAC encoder garbles blocks that do not compress, such as loud noise.
_ALAC_AS_PCM = {
    "ALAC_16": "PCM_16",
    "ALAC_20": "PCM_24",
    "ALAC_24": "PCM_24",
    "ALAC_32": "PCM_32",
}
_LOSSLESS_CONTAINERS = ("WV", "APE", "TTA", "TAK")  # read alone; FLAC holds the same

_LONGEST_NAME = 255  # bytes


def planned_suffix(suffix: str, format: str = "same") -> str:
    """The ending of what most files of an ending become."""
    suffix = suffix.lower()
    if format in FORMAT_SUFFIXES:
        return FORMAT_SUFFIXES[format]
    if suffix in _SUFFIX_CONTAINERS and suffix not in _REPLACED_SUFFIXES:
        return suffix
    return _REPLACED_SUFFIXES.get(suffix, ".wav")


def targets(
    suffix: str, container: str | None, subtype: str | None, format: str, tracks: int = 1
) -> Iterator[tuple[str, str]]:
    """Yield (container, coding) from the wished-for one to the ones that hold anything.

    Args:
        suffix: of the file to be written.
        container, subtype: what the audio came in.
        format: one of `FORMATS`.
        tracks: where there are several, only containers that hold so many.
    """
    suffix = suffix.lower()
    coding = _ALAC_AS_PCM.get(subtype or "", subtype)
    lossless = coding in PCM_BITS or coding in FLOAT_SUBTYPES
    deep = coding in (*FLOAT_SUBTYPES, "PCM_24", "PCM_32")
    flac = "PCM_S8" if coding == "PCM_S8" else "PCM_24" if deep else "PCM_16"
    if tracks > 1:
        if format == "same":
            if (container == "MP4" or suffix in CONTAINER_SUFFIXES["MP4"]) and not lossless:
                yield "MP4", "AAC"
            if lossless:
                yield "MKA", flac
            yield "MKA", "OPUS"
            yield "MKA", flac
        return
    if format == "wav16":
        yield "WAV", "PCM_16"
    elif format == "wav-float":
        yield "WAV", "FLOAT"
    elif format == "flac":
        yield "FLAC", "PCM_24" if deep else "PCM_16"
    else:
        named = _SUFFIX_CONTAINERS.get(suffix)
        own = "FLAC" if container in _LOSSLESS_CONTAINERS else container
        if named is None or suffix in CONTAINER_SUFFIXES.get(own or "", ()):
            chosen = own or "WAV"
        else:
            chosen = named
        yield from _same(chosen, coding, suffix, flac, own, deep)
        yield "WAV", (coding or "PCM_16") if lossless else "PCM_16"
        yield "WAV", "PCM_24" if deep else "PCM_16"


def _same(
    container: str, coding: str | None, suffix: str, flac: str, own: str | None, deep: bool
) -> Iterator[tuple[str, str]]:
    lossless = coding in PCM_BITS or coding in FLOAT_SUBTYPES
    if container in WAV_FAMILY:
        yield container, (coding or "PCM_16") if lossless else "PCM_16"
        yield container, "PCM_24" if deep else "PCM_16"
    elif container == "FLAC":
        yield container, flac
    elif container == "OGG":
        if lossless and own == "OGG":
            yield container, flac
        else:
            opus = coding == "OPUS" or suffix == ".opus"
            yield container, "OPUS" if opus else "VORBIS"
            yield container, "VORBIS"
    elif container == "MP3":
        yield container, "MPEG_LAYER_III"
    elif container == "MP4" and suffix in CONTAINER_SUFFIXES["MP4"] and lossless:
        yield container, flac if flac != "PCM_S8" else "PCM_16"
    elif container == "MP4" and not lossless:
        yield container, "AAC"
    elif container in ("WEBM", "MKA") and not lossless:
        yield container, "OPUS"
    elif container == "MKA" and suffix in CONTAINER_SUFFIXES["MKA"]:
        yield container, flac


def with_suitable_suffix(path: Path, container: str, coding: str) -> Path:
    """A path whose ending suits what is written; "talk.v2" is a name, not an ending."""
    suffixes = CONTAINER_SUFFIXES[container]
    suffix = path.suffix.lower()
    if suffix in suffixes and (suffix != ".opus" or coding == "OPUS"):
        return path
    stem = path.stem if suffix in AUDIO_SUFFIXES else path.name
    return with_ending(path, stem, suffixes[0])


def with_ending(path: Path, stem: str, suffix: str) -> Path:
    """A path of another name in the same folder, its stem cut so that the name has 255 bytes."""
    room = _LONGEST_NAME - len(os.fsencode(suffix))
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return path.with_name(stem + suffix)
