"""What a fine-tuning is asked for."""

from dataclasses import dataclass

from frcrn_app.training.losses import LossWeights

# Terms that weigh alike in PESQ, SI-SDR and STOI of general noise: with the default loss SI-SDR
# and STOI paid for PESQ, and a narrower blend had to be taken.
LOSS = LossWeights(perceptual=17.0, snr=1.5, intelligibility=60.0)


@dataclass
class FineTuneConfig:
    """One fine-tuning; the defaults take some minutes on a laptop."""

    layers: str = "decoder"  # a key of `layers.LAYERS`
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
