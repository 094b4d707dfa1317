"""Fine-tuning to one's own noise: the encoders fixed, the decoders trained.

Forgetting is watched from two sides. A part of the training mixtures keeps to general noise, and
at the end the trained layers are blended with the original ones (Wortsman et al., "Robust
fine-tuning of zero-shot models", CVPR 2022) as far towards the new ones as general noise allows.
"""

from frcrn_app.training.finetune.config import FineTuneConfig
from frcrn_app.training.finetune.corpora import FineTuneCorpora
from frcrn_app.training.finetune.run import FineTuned, Row, fine_tune

__all__ = ["FineTuneConfig", "FineTuneCorpora", "FineTuned", "Row", "fine_tune"]
