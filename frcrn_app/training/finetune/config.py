"""What a fine-tuning is asked for."""

from dataclasses import dataclass

from frcrn_app.training.losses import LossWeights

# Weights at which general noise keeps PESQ and SI-SDR alike: with fewer of the perceptual term
# its PESQ pays for SI-SDR, with more of it the other way round, and the blend must be narrower.
LOSS = LossWeights(perceptual=26.0, snr=2.2, intelligibility=80.0)


@dataclass
class FineTuneConfig:
    """One fine-tuning; the defaults take some minutes on a laptop."""

    layers: str = "all"  # a key of `layers.LAYERS`
    steps: int = 80
    batch_size: int = 8
    seconds: float = 2.0  # of a training example
    learning_rate: float = 7e-4
    loss: LossWeights = LOSS
    own_share: float = 0.6  # of the training examples; the others have general noise
    max_loss_db: float = 0.1  # of SI-SDR on general noise that the blend may cost
    max_loss_pesq: float = 0.0  # of PESQ on general noise that the blend may cost
    scored: int = 24  # mixtures of either kind in the table
    scored_seconds: float = 3.0
    precision: str = "auto"
    device: str = "auto"
    threads: int | None = None
    workers: int = 1
    seed: int = 0
