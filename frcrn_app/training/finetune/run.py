"""A fine-tuning from weights to weights, with a table of what it gained and cost."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from frcrn_app.model import FRCRN
from frcrn_app.training.finetune.config import FineTuneConfig
from frcrn_app.training.finetune.corpora import FineTuneCorpora
from frcrn_app.training.finetune.layers import blended, freeze_all_but
from frcrn_app.training.finetune.mixing import Alternating, scored_mixtures, training_sets
from frcrn_app.training.mixtures import Mixture, batches
from frcrn_app.training.scoring import enhance, mean_scores, rank
from frcrn_app.training.trainer import (
    BEST_FILE,
    LAST_FILE,
    LOG_FILE,
    STATE_FILE,
    TrainConfig,
    Trainer,
)
from frcrn_app.weights import LoadedWeights, save_weights

BLENDS = (1.0, 0.85, 0.7, 0.55, 0.4, 0.3, 0.2, 0.1)  # shares of the trained layers, in this order


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


def fine_tune(
    weights: LoadedWeights,
    corpora: FineTuneCorpora,
    out: Path,
    config: FineTuneConfig | None = None,
    report: Callable[[dict], None] | None = None,
) -> FineTuned:
    """Trains some layers on one's own noise and writes the weights.

    Args:
        weights: what to start from.
        corpora: speech and noise.
        out: the weights file to write, safetensors. The run's log stays in a folder beside it.
        report: called with every step's numbers, as `Trainer.run` does.

    Raises:
        UserError: audio or settings that cannot be used.
    """
    config = config or FineTuneConfig()
    tables = scored_mixtures(corpora, config, config.seed)
    selection = scored_mixtures(corpora, config, config.seed + 1)
    folder = out.with_name(f"{out.stem}-run")
    (folder / LOG_FILE).unlink(missing_ok=True)  # of an earlier fine-tuning
    trainer = tuner(weights.model, corpora, config, folder)
    original = copy.deepcopy(weights.model).to(trainer.device).eval()
    trainer.run(report)
    trained = trainer.averaged_network.eval()

    blend = widest_blend(original, trained, selection, config)
    tuned = blended(original, trained, blend)
    rows = []
    for noise, mixtures in tables.items():
        noisy = mean_scores([m.clean for m in mixtures], [m.noisy for m in mixtures])
        before, after = (scores_on(mixtures, model) for model in (original, tuned))
        rows.append(Row(noise, len(mixtures), noisy, before, after))
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
        (folder / name).unlink(missing_ok=True)
    return FineTuned(path, tuple(rows), blend)


def tuner(model: FRCRN, corpora: FineTuneCorpora, config: FineTuneConfig, out: Path) -> Trainer:
    """A trainer of some layers: all else keeps its weights, and batch norm its statistics."""
    examples = Alternating(*training_sets(corpora, config), config.own_share)

    def stream(first: int, rank: int, world_size: int) -> Iterator:
        return batches(
            examples,
            config.batch_size,
            first,
            config.workers,
            rank=rank,
            world_size=world_size,
            device=config.device,
        )

    training = TrainConfig(
        out=out,
        network=model.config,
        steps=config.steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        warmup_steps=min(20, config.steps // 5),
        decay_share=0.6,
        loss=config.loss,
        weight_decay=0.0,  # towards zero is not towards the original
        ema_decay=0.98,
        keep_norms=True,  # the frozen layers were trained to just these statistics
        precision=config.precision,
        device=config.device,
        threads=config.threads,
        seed=config.seed,
        checkpoint_seconds=math.inf,
        validate_every=config.steps,
    )
    network = freeze_all_but(copy.deepcopy(model), config.layers)
    return Trainer(training, stream, network=network)


def scores_on(mixtures: Sequence[Mixture], model: FRCRN) -> dict[str, float]:
    """Mean scores of a network on mixtures."""
    return mean_scores(
        [mixture.clean for mixture in mixtures],
        enhance(model, [mixture.noisy for mixture in mixtures]),
    )


def widest_blend(
    original: FRCRN,
    trained: FRCRN,
    selection: dict[str, list[Mixture]],
    config: FineTuneConfig,
) -> float:
    """The share of the trained layers that ranks best on own noise and keeps general noise.

    Kept are SI-SDR and PESQ both, but for the losses that `config` allows.
    """
    best = 0.0
    best_rank = rank(scores_on(selection["own"], original))
    general = scores_on(selection["general"], original)
    for share in BLENDS:
        model = blended(original, trained, share)
        own_rank = rank(scores_on(selection["own"], model))
        if own_rank <= best_rank:
            if best:
                break  # less of the trained layers has begun to be worse
            continue
        scores = scores_on(selection["general"], model)
        if (
            scores["si_sdr"] >= general["si_sdr"] - config.max_loss_db
            and scores["pesq"] >= general["pesq"] - config.max_loss_pesq
        ):
            best, best_rank = share, own_rank
    return best
