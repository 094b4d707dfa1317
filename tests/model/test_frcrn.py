"""The network gives the reference's numbers, and every length back as it came."""

import math

import numpy as np
import pytest
import torch

from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.model.complex_layers import interleaved_convolution
from frcrn_app.model.features import features
from frcrn_app.model.fsmn import FSMN, complex_fsmn, complex_fsmn_by_kernels
from frcrn_app.model.stft import STFT, InverseSTFT, padded_length
from golden.seeded import LENGTHS, seeded_state, waveform
from paths import GOLDEN

FRCRN_GOLDEN = GOLDEN / "frcrn.npz"


@pytest.fixture(scope="module")
def full_size() -> FRCRN:
    model = FRCRN().eval().requires_grad_(False)
    model.load_state_dict(seeded_state(model))
    return model


@pytest.fixture(scope="module")
def small() -> FRCRN:
    model = FRCRN(FRCRNConfig(channels=16, unets=2)).eval().requires_grad_(False)
    model.load_state_dict(seeded_state(model))
    return model


@pytest.mark.parametrize("length", LENGTHS)
def test_outputs_equal_the_reference_implementation(full_size, length):
    expected = np.load(FRCRN_GOLDEN)[str(length)]
    enhanced = full_size(waveform(length))[0].numpy()
    assert np.abs(expected).max() > 0.01, "the golden output must not be silence"
    # The reference ends with the last whole hop; where samples follow it, that hop is ours' own.
    compared = length if length % 320 == 0 else len(expected) - 320
    assert compared > 0.5 * length
    np.testing.assert_allclose(enhanced[:compared], expected[:compared], rtol=0, atol=1e-4)


def test_released_size(full_size):
    # 13.96 M numbers in the reference, of which 0.82 M are transform kernels (2 x 642 x 640) and
    # 0.32 M belong to layers that its forward pass never uses.
    count = sum(p.numel() for p in full_size.parameters())
    assert count == 12_824_276
    assert full_size.config == FRCRNConfig(channels=128, unets=2)


@pytest.mark.parametrize("length", [1, 2, 319, 320, 321, 639, 640, 641, 1599, 16_001])
def test_output_is_as_long_as_the_input(small, length):
    noisy = waveform(length)
    enhanced = small(noisy)
    assert enhanced.shape == noisy.shape
    assert enhanced.isfinite().all()


def test_samples_after_the_last_whole_hop_change_nothing_before_it(small):
    """They are denoised with the last frame's mask and do not reach the network."""
    enhanced = small(waveform(12_345))
    whole = small(waveform(12_345)[:, :12_160])
    torch.testing.assert_close(enhanced[:, :11_840], whole[:, :11_840], rtol=0, atol=1e-6)
    assert enhanced[:, 12_160:].abs().max() > 1e-4, "the rest is denoised, not dropped"


def test_a_batch_gives_what_its_members_give_alone(small):
    batch = torch.cat([waveform(9_600, seed) for seed in (1, 2, 3)])
    together = small(batch)
    alone = torch.cat([small(member[None]) for member in batch])
    # To what float32 rounds off: a network that is not trained makes sounds louder than full scale.
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5 * float(alone.abs().max()))


def test_silence_stays_silence(small):
    assert small(torch.zeros(1, 4_000)).abs().max() == 0


def test_one_unet_is_a_network_of_its_own():
    config = FRCRNConfig(channels=16, unets=1)
    model = FRCRN(config).eval()
    assert not any(name.startswith("unet2") for name in model.state_dict())
    assert model(waveform(3_200)).shape == (1, 3_200)
    assert FRCRNConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    "values",
    [
        {"channels": 12},
        {"channels": 0},
        {"unets": 3},
        {"hop_length": 160},
        {"lookahead": 1},
        {"lookahead": 4, "causal": True},
    ],
)
def test_sizes_that_the_network_cannot_have_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        FRCRNConfig(**values)


def test_synthesis_inverts_analysis():
    samples = waveform(6_400)
    restored = InverseSTFT(640, 320)(STFT(640, 320)(samples))
    # The very first and last samples meet a window that is next to zero.
    torch.testing.assert_close(restored[:, 8:-8], samples[:, 8:-8], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("samples", "padded"), [(1, 640), (640, 640), (641, 960), (16_000, 16_000)]
)
def test_padded_length(samples, padded):
    assert padded_length(samples, 640, 320) == padded


@pytest.mark.parametrize("height", [2, 5, 6])
def test_interleaved_convolution_is_the_transposed_convolution(height):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 6, 7, 9, generator=generator)
    weight = torch.randn(6, 10, height, 2, generator=generator)
    bias = torch.randn(10, generator=generator)
    expected = torch.nn.functional.conv_transpose2d(x, weight, bias, (2, 1), (0, 1))
    actual = interleaved_convolution(x, weight, bias)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


def test_folded_normalisation_equals_normalisation_as_a_step_of_its_own(small):
    layer = small.unet.encoders[1]
    x = torch.randn(1, 32, 40, 20, generator=torch.Generator().manual_seed(0))
    y = layer.conv(x)
    mean, var = layer.bn.joined("running_mean"), layer.bn.joined("running_var")
    weight, bias = layer.bn.joined("weight"), layer.bn.joined("bias")
    expected = torch.nn.functional.batch_norm(y, mean, var, weight, bias)
    torch.testing.assert_close(layer.conv(x, layer.bn), expected, rtol=0, atol=1e-5)


def test_quiet_frequencies_are_there_beside_loud_ones():
    """Steady noise that falls by 60 dB: the further inputs bring its frequencies together."""
    generator = torch.Generator().manual_seed(0)
    fall = torch.logspace(1, -2, 321)[:, None]
    spectrum = fall * torch.randn(1, 2, 321, 400, generator=generator)
    inputs = (
        features(spectrum, FRCRNConfig(inputs=3)).unflatten(1, (2, 3)).transpose(1, 2)
    )  # [1, 3, 2, F, T]
    assert torch.equal(inputs[:, 0], spectrum)
    levels = inputs.norm(dim=2).mean(-1)[0]  # [3, F]
    falls = [20 * math.log10(float(level[0] / level[-1])) for level in levels]
    assert falls == pytest.approx([60, 18, 0], abs=2)
    assert levels[2].sub(1).abs().max() < 0.1
    # Phases are those of the spectrum.
    turned = inputs[:, 1:, 0] * spectrum[:, None, 1] - inputs[:, 1:, 1] * spectrum[:, None, 0]
    assert turned.abs().max() < 1e-4


def test_what_stands_out_does_so_at_every_frequency():
    spectrum = torch.full((1, 2, 321, 400), 0.1)
    spectrum[..., :100, :] *= 30
    spectrum[..., 200:210] *= 10  # 20 dB for a fifth of a second
    whitened = (
        features(spectrum, FRCRNConfig(inputs=3)).unflatten(1, (2, 3))[:, :, 2].norm(dim=1)[0]
    )
    contrast = whitened[:, 205] / whitened[:, 150]
    assert (contrast > 1.9).all()
    torch.testing.assert_close(whitened[0, 205], whitened[320, 205], rtol=0.02, atol=0)


@pytest.mark.parametrize(
    ("channels", "rows", "frames", "taps"), [(16, 37, 13, 20), (48, 5, 7, 5), (80, 23, 1, 20)]
)
def test_a_memory_by_kernels_is_the_convolution(channels, rows, frames, taps, monkeypatch):
    """What a graphics processor computes in its place, here interpreted by the processor."""
    monkeypatch.setenv("TRITON_INTERPRET", "1")  # before the kernels are read
    pytest.importorskip("triton")
    torch.manual_seed(0)
    re, im = FSMN(channels), FSMN(channels)
    results = []
    for memory in (complex_fsmn, complex_fsmn_by_kernels):
        x = torch.randn(2, 2 * channels, rows, frames, generator=torch.Generator().manual_seed(0))
        x.requires_grad_()
        y = memory(x, re, im, taps)
        weights = [x, *re.parameters(), *im.parameters()]
        results.append((y, *torch.autograd.grad(y.sin().sum(), weights)))
    for expected, by_kernels in zip(*results, strict=True):
        assert (by_kernels - expected).norm() < 1e-5 * expected.norm()
