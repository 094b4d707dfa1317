"""What a training run is asked for."""

from dataclasses import dataclass, field
from pathlib import Path

from frcrn_app.model import FRCRNConfig
from frcrn_app.training.losses import LossWeights

# What a run from nothing trains. The released network has 128 channels, two U-Nets and one input.
NEW_NETWORK = FRCRNConfig(channels=32, unets=1, inputs=3)


@dataclass
class TrainConfig:
    """One run. Times are steps of `batch_size` examples a process, accumulation included."""

    out: Path
    network: FRCRNConfig = NEW_NETWORK
    init: str | None = None  # weights to start from; smaller ones grow
    teacher: str | None = None  # weights of a larger network to learn from as well
    teacher_share: float = 0.5  # of the loss, where there is a teacher
    steps: int = 10_000
    hours: float | None = None  # of wall time, in place of steps: measured, then fixed as steps
    batch_size: int = 4
    accumulate: int = 1  # batches a step
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    decay_share: float = 0.3  # the rate is constant, then falls to zero by a half cosine
    optimizer: str = "muon"  # for hidden matrices, AdamW for all else | adamw
    weight_decay: float = 0.01
    # Of the gradient: about its median norm with the default loss. Much less, and every example
    # would count alike, however much there is to learn from it.
    clip_norm: float = 60.0
    ema_decay: float = 0.998  # of the averaged weights, which are the ones validated and kept
    # Step from which batch norm uses fixed statistics, re-estimated once. A small batch's own
    # statistics differ from the running ones that inference uses; trained to the end with the
    # former, the network loses a quarter of a PESQ point to the difference.
    freeze_norm_at: int | None = None  # None: at once with `init`, else after a third of the steps
    keep_norms: bool = False  # the statistics stay those of the start, never estimated anew
    loss: LossWeights = field(default_factory=LossWeights)
    precision: str = "auto"  # float32 | bfloat16 | auto (bfloat16 where the hardware has it)
    device: str = "auto"
    compile: bool = False
    threads: int | None = None  # of the processor, a process
    seed: int = 0
    checkpoint_seconds: float = 180.0
    validate_every: int = 500  # steps
    snapshot_every: int = 0  # steps between weights that stay, to be averaged later; 0: none

    @property
    def norm_frozen_from(self) -> int:
        """Step from which normalisation uses fixed statistics."""
        if self.freeze_norm_at is not None:
            return self.freeze_norm_at
        return 0 if self.init else self.steps // 3
