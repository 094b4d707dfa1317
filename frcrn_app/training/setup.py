"""From recordings to a trainer: corpora, mixtures, validation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from frcrn_app.model import FRCRN
from frcrn_app.training.corpus import Corpus
from frcrn_app.training.mixtures import (
    MixtureConfig,
    MixtureSet,
    batches,
    validation_mixtures,
)
from frcrn_app.training.scoring import is_scorable
from frcrn_app.training.trainer import STATE_FILE, TrainConfig, Trainer


@dataclass
class Recordings:
    """What corpora are made of; the fields are those of `Corpus.build`."""

    cache: Path
    speech: Sequence[Path] = ()
    noise: Sequence[Path] = ()
    rir: Sequence[Path] = ()
    index: Path | None = None
    source_weights: Sequence[tuple[str, float]] = field(default_factory=list)

    def corpus(
        self, split: str = "train", progress: Callable[[int, int], None] | None = None
    ) -> Corpus:
        """The corpus of a split; see `Corpus.build` for what it raises."""
        return Corpus.build(**vars(self), split=split, progress=progress)


def build_trainer(
    config: TrainConfig,
    train: Corpus,
    valid: Corpus,
    *,
    mixing: MixtureConfig,
    workers: int = 1,
    validation: int = 48,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Trainer:
    """A trainer on mixtures of a corpus, validated on fixed mixtures of another.

    Args:
        config: the run.
        train, valid: what to train on and what to hold out; nothing is validated where `valid`
            lacks speech or noise.
        mixing: what the mixtures are made of.
        workers: processes that mix; 0: none.
        validation: fixed mixtures to score; those that have no score are left out.
        resume: go on from the state in the run's folder, where there is one; the weights that
            the run began with are then not needed.
        progress: of the one-time simulation of rooms.

    Raises:
        UserError: audio, weights or a state that cannot be used.
    """
    mixtures = MixtureSet(train, mixing, config.seed, progress)

    def stream(first: int, rank: int, world_size: int) -> Iterator:
        return batches(
            mixtures,
            config.batch_size,
            first,
            workers,
            rank=rank,
            world_size=world_size,
            device=config.device,
        )

    pairs = []
    if valid.speech and valid.noise and validation:
        fixed = validation_mixtures(valid, validation)
        pairs = [(m.noisy, m.clean) for m in fixed if is_scorable(m.clean, m.noisy)]
    goes_on = resume and (config.out / STATE_FILE).exists()
    trainer = Trainer(config, stream, pairs, FRCRN(config.network) if goes_on else None)
    if goes_on:
        trainer.resume()
    return trainer
