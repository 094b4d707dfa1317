"""What a graphics processor does in another way than a processor, where there is one."""

import pytest
import torch

from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.training.trainer import TrainConfig, Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA")

CONFIG = FRCRNConfig(channels=16, unets=1, inputs=3, real=True)


def _batches(first, rank, count):
    step = first
    while True:
        generator = torch.Generator().manual_seed(step)
        clean = 0.1 * torch.randn(4, 16000, generator=generator).cumsum(1) / 30
        yield clean + 0.03 * torch.randn(4, 16000, generator=generator), clean
        step += 1


def _losses(out, device):
    torch.manual_seed(0)
    config = TrainConfig(
        out=out, network=CONFIG, steps=6, batch_size=4, warmup_steps=1, keep_norms=True,
        device=device, precision="float32",
    )  # fmt: skip
    losses = []
    Trainer(config, _batches, network=FRCRN(CONFIG)).run(
        lambda report: losses.append(report["loss"])
    )
    return losses


def test_a_run_goes_as_on_a_processor(tmp_path):
    """By kernels, and by graphs that are recorded at its first step."""
    on_cpu, on_gpu = (_losses(tmp_path / device, device) for device in ("cpu", "cuda"))
    assert on_cpu[-1] < on_cpu[0]
    assert on_gpu == pytest.approx(on_cpu, rel=0.02)
