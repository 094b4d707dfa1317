"""Fine-tuning to one's own noise: most of the network fixed, its last layers trained.

Forgetting is watched from two sides. A part of the training mixtures keeps to general noise, and
at the end the trained layers are blended with the original ones (Wortsman et al., "Robust
fine-tuning of zero-shot models", CVPR 2022) as far towards the new ones as general noise allows.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from frcrn_app import audio, metrics
from frcrn_app.errors import UserError
from frcrn_app.model import FRCRN, SAMPLE_RATE
from frcrn_app.model.level import prepared
from frcrn_app.resources import data_folder
from frcrn_app.training.corpus import Corpus, read_mono
from frcrn_app.training.losses import LossWeights
from frcrn_app.training.mixtures import (
    Mixture,
    MixtureConfig,
    MixtureSet,
    batches,
    validation_mixtures,
)
from frcrn_app.training.trainer import (
    BEST_FILE,
    LAST_FILE,
    LOG_FILE,
    STATE_FILE,
    TrainConfig,
    Trainer,
)
from frcrn_app.weights import LoadedWeights, save_weights

# Parts of each U-Net, by the beginning of their names, from the output inwards.
LAYERS = {
    "mask": ("linear.", "decoders.6.", "fsmn_dec.5.", "decoders.5."),
    "decoder": ("linear.", "decoders.", "fsmn_dec.", "se_layers_dec."),
    "all": ("",),
}
EXAMPLES = data_folder("examples") / "pairs"
MIN_NOISE_SECONDS = 5.0  # of one's own noise; less is learnt by heart
BLENDS = (1.0, 0.8, 0.6, 0.4, 0.2)  # shares of the trained layers, tried in this order
# PESQ counts less than in training: a noise of one's own is taken away further for it, by 1.3 dB in
# place of 1.0 after 40 steps on a pump, and speech in it gains as much PESQ.
LOSS = LossWeights(perceptual=4.0)
BATCH = 8  # mixtures enhanced at once when scoring

SCORES = {
    "si_sdr": metrics.si_sdr,
    "pesq": metrics.pesq_score,
    "stoi": metrics.stoi_score,
}


@dataclass
class FineTuneConfig:
    """One fine-tuning; the defaults take some minutes on a laptop."""

    layers: str = "mask"  # a key of LAYERS
    steps: int = 200
    batch_size: int = 8
    seconds: float = 2.0  # of a training example
    learning_rate: float = 2e-3  # small parts bear a higher rate than whole networks
    own_share: float = 0.6  # of the training examples; the others have general noise
    max_loss_db: float = 0.1  # of SI-SDR on general noise that the blend may cost
    scored: int = 24  # mixtures of either kind in the table
    scored_seconds: float = 3.0
    precision: str = "auto"
    device: str = "auto"
    threads: int | None = None
    workers: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Row:
    """Mean scores on one kind of noise: by name ("si_sdr" in dB, "pesq", "stoi")."""

    noise: str  # "own" | "general"
    mixtures: int
    noisy: dict[str, float]
    before: dict[str, float]
    after: dict[str, float]


@dataclass(frozen=True)
class FineTuned:
    """What came of it: the weights file and the table."""

    path: Path
    rows: tuple[Row, ...]
    blend: float  # share of the trained layers in the result; 0: they made nothing better


@dataclass(frozen=True)
class Sound:
    """Corpora of a fine-tuning, by split where there are two."""

    speech: Corpus
    speech_valid: Corpus
    own: Corpus
    own_valid: Corpus
    general: Corpus | None  # recorded general noise to train on; without it only made-up noise
    general_valid: Corpus

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
    ) -> "Sound":
        """Own noise, and beside it speech and general noise: given, of an index, or the examples'.

        Args:
            noise: folders or files of one's own noise; a part is held out.
            speech, general: folders of clean speech and of other noise.
            index: a CSV file of both (see `corpus`).
            cache: folder for decoded audio.

        Raises:
            UserError: too little noise, or nothing to take speech or general noise from.
        """

        def both(**folders) -> tuple[Corpus, Corpus]:
            train = Corpus.build(**folders, cache=cache, progress=progress)
            return train, Corpus.build(**folders, cache=cache, split="valid")

        own, own_valid = both(noise=noise)
        seconds = own.seconds("noise")
        if seconds < MIN_NOISE_SECONDS or not own_valid.noise:
            raise UserError(
                f"There are {seconds:.1f} s of your noise to train on: record at least "
                f"{MIN_NOISE_SECONDS + 2:.0f} s, better some minutes."
            )
        # Not a whole index with no use: speech and general noise may come from folders.
        indexed = both(index=index) if index else None
        voices = both(speech=speech) if speech else indexed or both(speech=[_example("clean")])
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


def _example(kind: str) -> Path:
    folder = EXAMPLES / kind
    if not folder.is_dir():
        raise UserError(
            "The example recordings are not installed: name clean speech with --speech DIR and "
            "other noise with --general-noise DIR."
        )
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


def finetune(
    weights: LoadedWeights,
    sound: Sound,
    out: Path,
    config: FineTuneConfig | None = None,
    report: Callable[[dict], None] | None = None,
) -> FineTuned:
    """Train the last layers on one's own noise and write the weights.

    Args:
        weights: what to start from.
        sound: speech and noise.
        out: the weights file to write, safetensors. The run's log stays in a folder beside it.
        report: called with every step's numbers, as `Trainer.run` does.

    Raises:
        UserError: audio or settings that cannot be used.
    """
    config = config or FineTuneConfig()
    tables = scored_mixtures(sound, config, config.seed)
    selection = scored_mixtures(sound, config, config.seed + 1)
    run_folder = out.with_name(f"{out.stem}-run")
    (run_folder / LOG_FILE).unlink(missing_ok=True)  # of an earlier fine-tuning
    tuner = FineTuner(weights.model, config, sound, run_folder)
    device = tuner.device
    original = copy.deepcopy(weights.model).to(device).eval()
    tuner.run(report)
    trained = tuner.averaged.eval()

    blend = _widest_blend(original, trained, selection, config.max_loss_db, device)
    tuned = blended(original, trained, blend)
    rows = []
    for noise, mixtures in tables.items():
        before, after = (enhance(model, mixtures, device) for model in (original, tuned))
        noisy = [mixture.noisy for mixture in mixtures]
        scores = (mean_scores(mixtures, sounds) for sounds in (noisy, before, after))
        rows.append(Row(noise, len(mixtures), *scores))
    facts = {
        "title": f"{weights.entry.name}, fine-tuned to a noise ({config.layers})",
        "base": weights.entry.name,
        "base_sha256": weights.sha256,
        "licence": weights.entry.licence,
        "layers": config.layers,
        "blend": f"{blend:g}",
    }
    # In full precision: rounded, even the layers that were not trained would differ.
    path = save_weights(out, tuned, half=False, metadata=facts)
    for name in (STATE_FILE, BEST_FILE, LAST_FILE):
        (tuner.config.out / name).unlink(missing_ok=True)
    return FineTuned(path, tuple(rows), blend)


class FineTuner(Trainer):
    """A trainer of some layers: all else keeps its weights, and batch norm its statistics."""

    def __init__(self, model: FRCRN, config: FineTuneConfig, sound: Sound, out: Path):
        self._start = model
        self._layers = config.layers
        examples = _Alternating(*training_sets(sound, config), config.own_share)

        def stream(first: int, rank: int, world_size: int) -> Iterator:
            return batches(
                examples,
                config.batch_size,
                first,
                config.workers,
                rank=rank,
                world_size=world_size,
            )

        training = TrainConfig(
            out=out,
            channels=model.config.channels,
            unets=model.config.unets,
            inputs=model.config.inputs,
            steps=config.steps,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            warmup_steps=min(20, config.steps // 5),
            decay_share=0.6,
            optimizer="adamw",  # Muon turns all directions alike, and forgets more
            weight_decay=0.0,  # towards zero is not towards the original
            ema_decay=0.98,
            freeze_norm_at=0,
            loss=LOSS,
            precision=config.precision,
            device=config.device,
            threads=config.threads,
            seed=config.seed,
            checkpoint_seconds=math.inf,
            validate_every=config.steps,
        )
        super().__init__(training, stream)
        # The statistics as they are, not estimated anew: the frozen layers were trained to them.
        self.norm_frozen = True

    def _start_network(self) -> FRCRN:
        return freeze_all_but(copy.deepcopy(self._start), self._layers)


def freeze_all_but(model: FRCRN, layers: str) -> FRCRN:
    """Leave only the parameters of `layers` (a key of `LAYERS`) to be trained.

    Raises:
        UserError: there are no such layers.
    """
    if layers not in LAYERS:
        raise UserError(f"Layers are {', '.join(LAYERS)}, not {layers}.")
    for name, parameter in model.named_parameters():
        inside = name.partition(".")[2]  # of the U-Net
        parameter.requires_grad_(inside.startswith(LAYERS[layers]))
    return model


def training_sets(sound: Sound, config: FineTuneConfig) -> tuple[MixtureSet, MixtureSet]:
    """Mixtures with one's own noise and with general noise, dry and without codecs."""
    shared = MixtureConfig(
        seconds=config.seconds,
        noise_only=0.06,
        room=0,
        noise_room=0,
        codec=0,
        clipping=0,
        low_pass=0,
        noise_speeds=(0.93, 1.07),  # other than that it would be another noise
    )
    own = replace(
        shared,
        noises=(0.8, 0.2),
        recorded=1.0,
        babble=0,
        coloured=0,
        hum=0,
        clicks=0,
        rumble=0,
        noise_equaliser=0.25,
    )
    general = shared if sound.general else replace(shared, recorded=0.0)
    other = sound.general or sound.own  # with a share of zero none of it is drawn
    return (
        MixtureSet(sound.speech.joined(sound.own), own, config.seed),
        MixtureSet(sound.speech.joined(other), general, config.seed + 1),
    )


class _Alternating(Dataset):
    """Two sets of mixtures in one, the first with a given share."""

    def __init__(self, first: MixtureSet, second: MixtureSet, share: float):
        self._sets = first, second
        self._share = share

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        # The first takes the next item whenever its count would fall behind its share.
        of_first = math.floor((index + 1) * self._share) > math.floor(index * self._share)
        return self._sets[0 if of_first else 1][index]


def scored_mixtures(sound: Sound, config: FineTuneConfig, seed: int) -> dict[str, list[Mixture]]:
    """Fixed mixtures with held-out speech, of held-out own noise and of general noise."""

    def fixed(noise: Corpus) -> list[Mixture]:
        corpus = sound.speech_valid.joined(noise)
        return validation_mixtures(
            corpus,
            config.scored,
            seed,
            config.scored_seconds,
            babble=False,
            with_rumble=False,
        )

    return {"own": fixed(sound.own_valid), "general": fixed(sound.general_valid)}


@torch.no_grad()
def enhance(model: FRCRN, mixtures: Sequence[Mixture], device: torch.device) -> list[np.ndarray]:
    """Enhanced samples of mixtures of one length, as the demo would enhance them."""
    enhanced = []
    for begin in range(0, len(mixtures), BATCH):
        noisy = np.stack([mixture.noisy for mixture in mixtures[begin : begin + BATCH]])
        waveform = torch.from_numpy(noisy).to(device)
        waveform, gain = prepared(waveform, model.config.inputs)
        enhanced += list((model(waveform) / gain).cpu().numpy())
    return enhanced


def mean_scores(mixtures: Sequence[Mixture], sounds: Sequence[np.ndarray]) -> dict[str, float]:
    """Mean of every score over the mixtures for which it is defined, NaN where there is none."""
    means = {}
    for name, score in SCORES.items():
        values = []
        for mixture, samples in zip(mixtures, sounds, strict=True):
            try:
                values.append(score(mixture.clean, samples))
            except metrics.MetricError:
                continue
        means[name] = float(np.mean(values)) if values else math.nan
    return means


def blended(original: FRCRN, trained: FRCRN, share: float) -> FRCRN:
    """A network of `share` of the trained parameters and the rest of the original ones."""
    model = copy.deepcopy(original)
    with torch.no_grad():
        for mine, new in zip(model.parameters(), trained.parameters(), strict=True):
            mine.lerp_(new.to(mine.device), share)
    return model


def _widest_blend(
    original: FRCRN,
    trained: FRCRN,
    selection: dict[str, list[Mixture]],
    max_loss_db: float,
    device: torch.device,
) -> float:
    """The share of the trained layers that is best on own noise and keeps general noise."""

    def si_sdr(model: FRCRN, noise: str) -> float:
        mixtures = selection[noise]
        pairs = zip(mixtures, enhance(model, mixtures, device), strict=True)
        return float(
            np.mean([metrics.si_sdr(mixture.clean, samples) for mixture, samples in pairs])
        )

    best, best_own = 0.0, si_sdr(original, "own")
    allowed = si_sdr(original, "general") - max_loss_db
    for share in BLENDS:
        model = blended(original, trained, share)
        own = si_sdr(model, "own")
        if own <= best_own:
            if best:
                break  # less of the trained layers has begun to be worse
            continue
        if si_sdr(model, "general") >= allowed:
            best, best_own = share, own
    return best
