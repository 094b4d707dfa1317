"""Checkpoints as the published code stores them, made from a network of ours."""

import numpy as np
import torch

from frcrn_app.model import FRCRN


def reference_layout(model: FRCRN) -> dict[str, torch.Tensor]:
    """The network's weights as the published code stores them: 846 tensors for each U-Net.

    Every layer twice (in a list and as a numbered attribute), the layers that it never uses,
    batch norm's counters, and the transforms.
    """
    stored = {}
    for name, tensor in model.state_dict().items():
        stored[name] = tensor
        if name.endswith("running_var"):
            counter = name.replace("running_var", "num_batches_tracked")
            stored[counter] = torch.tensor(7)
    for unet in ("unet", "unet2"):
        for used, unused in (
            ("fsmn_enc.1", "fsmn_enc.0"),
            ("fsmn_dec.0", "fsmn_dec.6"),
            ("se_layers_enc.0", "se_layers_enc.6"),
            ("se_layers_dec.0", "se_layers_dec.5"),
        ):
            for name in [name for name in stored if name.startswith(f"{unet}.{used}.")]:
                stored[name.replace(used, unused)] = torch.randn_like(stored[name])
    for name in list(stored):
        for listed, attribute in (
            ("encoders.", "encoder"),
            ("decoders.", "decoder"),
            ("fsmn_enc.", "fsmn_enc"),
            ("fsmn_dec.", "fsmn_dec"),
            ("se_layers_enc.", "se_layer_enc"),
            ("se_layers_dec.", "se_layer_dec"),
        ):
            if f".{listed}" in name:
                stored[name.replace(listed, attribute)] = stored[name]
    n = 640
    basis = np.fft.rfft(np.eye(n))
    kernel = np.concatenate([basis.real, basis.imag], 1)  # [n, n + 2]
    window = np.sin(np.pi * np.arange(n) / n)
    stored["stft.weight"] = torch.tensor((kernel.T * window)[:, None], dtype=torch.float32)
    inverse = np.linalg.pinv(kernel)
    stored["istft.weight"] = torch.tensor((inverse * window)[:, None], dtype=torch.float32)
    stored["istft.window"] = torch.tensor(window[None, :, None], dtype=torch.float32)
    stored["istft.enframe"] = torch.eye(n)[:, None]
    return stored


def prefixed(state_dict: dict, prefix: str) -> dict:
    return {prefix + name: tensor for name, tensor in state_dict.items()}


def optimizer_state() -> dict:
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([parameter])
    parameter.sum().backward()
    optimizer.step()
    return optimizer.state_dict()
