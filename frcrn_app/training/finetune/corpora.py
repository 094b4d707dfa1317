"""Speech, one's own noise and general noise, to train on and held out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from frcrn_app import audio
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import UserError
from frcrn_app.resources import data_folder
from frcrn_app.training.corpus import Corpus, LeftOut, read_mono

MIN_NOISE_SECONDS = 5.0  # of one's own noise; less is learnt by heart


@dataclass(frozen=True)
class FineTuneCorpora:
    """Corpora of a fine-tuning, by split where there are two."""

    speech: Corpus
    speech_valid: Corpus
    own: Corpus
    own_valid: Corpus
    general: Corpus | None  # recorded general noise to train on; without it only made-up noise
    general_valid: Corpus

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Files that were missing, damaged or silent."""
        corpora = [self.own, self.speech, self.general_valid]
        return tuple(dict.fromkeys(at for corpus in corpora for at in corpus.left_out))

    @classmethod
    def find(
        cls,
        noise: Sequence[Path],
        speech: Sequence[Path] = (),
        general: Sequence[Path] = (),
        index: Path | None = None,
        *,
        cache: Path,
        progress: Callable[[int, int], None] | None = None,
    ) -> "FineTuneCorpora":
        """Own noise, and beside it speech and general noise: given, of an index, or the examples'.

        Args:
            noise: folders or files of one's own noise; a part is held out.
            speech, general: folders of clean speech and of other noise.
            index: a CSV file of both (see `corpus`).
            cache: folder for decoded audio.

        Raises:
            UserError: too little noise, or nothing to take speech or general noise from.
        """
        both = partial(_train_and_valid, cache, progress)
        own, own_valid = both(noise=noise)
        seconds = own.seconds("noise")
        if seconds < MIN_NOISE_SECONDS or not own_valid.noise:
            raise UserError(
                "training.too_little_noise", seconds=seconds, needed=MIN_NOISE_SECONDS + 2
            )
        # Not a whole index with no use: speech and general noise may come from folders.
        indexed = both(index=index) if index else None
        voices = both(speech=speech) if speech else indexed or both(speech=[_example("clean")])
        others: tuple[Corpus | None, Corpus]
        if general:
            others = both(noise=general)
        elif indexed:
            others = indexed
        else:
            folder = example_noises(cache / "example-noises")
            others = None, Corpus.build(noise=[folder], cache=cache, split="all")
        return cls(
            voices[0].subset(noise=False),
            voices[1].subset(noise=False),
            own,
            own_valid,
            None if others[0] is None else others[0].subset(speech=False),
            others[1].subset(speech=False),
        )


def _train_and_valid(
    cache: Path,
    progress: Callable[[int, int], None] | None,
    *,
    speech: Sequence[Path] = (),
    noise: Sequence[Path] = (),
    index: Path | None = None,
) -> tuple[Corpus, Corpus]:
    """The corpora of both splits; `progress` is told of the first alone, which decodes for both."""
    train, valid = (
        Corpus.build(
            speech=speech,
            noise=noise,
            index=index,
            cache=cache,
            split=split,
            progress=progress if split == "train" else None,
        )
        for split in ("train", "valid")
    )
    return train, valid


def _example(kind: str) -> Path:
    folder = data_folder("examples") / "pairs" / kind
    if not folder.is_dir():
        raise UserError("training.no_examples")
    return folder


def example_noises(folder: Path) -> Path:
    """The noises of the example pairs, noisy less clean, as files in `folder`."""
    for noisy in sorted(_example("noisy").iterdir()):
        clean = _example("clean") / noisy.name
        target = folder / f"{noisy.stem}.wav"
        if clean.is_file() and not target.exists():
            noise = read_mono(noisy) - read_mono(clean)
            audio.save_audio(target, audio.Audio(noise[None], SAMPLE_RATE), format="wav16")
    return folder
