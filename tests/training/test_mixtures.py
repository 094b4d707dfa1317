"""Mixtures are what their description says, aligned, and the same whenever they are asked for."""

import math

import numpy as np
import pytest
import soundfile
import torch
from scipy import signal

from frcrn_app.errors import UserError
from frcrn_app.model import REACH, SAMPLE_RATE
from frcrn_app.training.activity import active_power
from frcrn_app.training.codecs import CODECS, codec_pass
from frcrn_app.training.corpus import Corpus
from frcrn_app.training.mixtures import (
    MixtureConfig,
    MixtureSet,
    batches,
    validation_mixtures,
)
from frcrn_app.training.mixtures.made_up import appliance, mains_hum, rumble
from frcrn_app.training.mixtures.signals import without_infrasound
from frcrn_app.training.rooms import room_from_response, simulated_rooms

FEW_ROOMS = {"simulated_rooms": 6}
# Nothing that changes noisy alone, or comes beside the SNR: what remains when clean is taken away
# is the noise. No clicks: in the silence between them lies what the target lacks below 50 Hz.
ADDITIVE = {"room": 0, "codec": 0, "clipping": 0, "speech_only": 0, "noise_only": 0}
ADDITIVE |= {"rumble": 0, "talker": 0, "clicks": 0}


@pytest.fixture(scope="module")
def corpus(speech_folder, noise_folder, cache):
    return Corpus.build(speech=[speech_folder], noise=[noise_folder], cache=cache)


def _mixtures(corpus, seed=0, **changes):
    return MixtureSet(corpus, MixtureConfig(**{"seconds": 1.0, **FEW_ROOMS, **changes}), seed)


def _voice_band(samples):
    """What lies above 80 Hz, the rest being no part of a target."""
    return signal.sosfiltfilt(signal.butter(4, 80, "high", fs=SAMPLE_RATE, output="sos"), samples)


def test_the_same_number_is_the_same_mixture(corpus):
    one, two = _mixtures(corpus), _mixtures(corpus)
    later = [two.mix(i) for i in reversed(range(12))][::-1]
    for i in range(12):
        np.testing.assert_array_equal(one.mix(i).noisy, later[i].noisy)
        np.testing.assert_array_equal(one.mix(i).clean, later[i].clean)
    assert not np.array_equal(one.mix(0).noisy, one.mix(1).noisy)
    assert not np.array_equal(one.mix(0).noisy, _mixtures(corpus, seed=1).mix(0).noisy)


def test_workers_and_a_later_start_change_nothing(corpus):
    def first(count, start, workers):
        stream = batches(_mixtures(corpus), 3, start, workers)
        return [next(stream) for _ in range(count)]

    alone = first(5, 0, 0)
    for begin, workers in ((0, 2), (2, 0), (2, 1)):
        for expected, batch in zip(alone[begin:], first(5 - begin, begin, workers), strict=True):
            assert torch.equal(expected[0], batch[0])
            assert torch.equal(expected[1], batch[1])


def test_ranks_share_the_mixtures_between_them(corpus):
    whole = next(batches(_mixtures(corpus), 4, 1))[0]
    halves = [next(batches(_mixtures(corpus), 2, 1, rank=r, world_size=2))[0] for r in (0, 1)]
    assert torch.equal(whole, torch.cat(halves))


def test_snr_is_as_described(corpus):
    mixtures = _mixtures(corpus, **ADDITIVE, microphone_equaliser=0, low_pass=0, high_pass=0)
    for i in range(40):
        noisy, clean, snr_db, _ = mixtures.mix(i)
        measured = 10 * math.log10(active_power(clean) / active_power(noisy - clean))
        # 16-bit steps of the quietest ones are all that may differ.
        assert measured == pytest.approx(snr_db, abs=0.3)


def test_snrs_cover_the_range_and_weigh_the_everyday(corpus):
    mixtures = _mixtures(corpus)
    snrs = np.array([mixtures.mix(i).snr_db for i in range(300)])
    mixed = snrs[np.isfinite(snrs)]
    assert mixed.min() < -5
    assert mixed.max() > 20
    assert mixed.min() >= -10
    assert mixed.max() <= 25
    assert np.mean((mixed >= 0) & (mixed <= 20)) > 0.6
    assert np.mean(mixed > 12) > 0.25


def test_noise_alone_has_a_silent_target(corpus):
    mixture = _mixtures(corpus, noise_only=1).mix(0)
    assert mixture.snr_db == -math.inf
    assert np.abs(mixture.noisy).max() > 1e-3
    assert not mixture.clean.any()


def test_clean_speech_has_itself_as_target(corpus):
    mixtures = _mixtures(corpus, speech_only=1, noise_only=0, room=0, clipping=0)
    for i in range(5):
        noisy, clean, snr_db, noise = mixtures.mix(i)
        assert (snr_db, noise) == (math.inf, "")
        heard, target = _voice_band(noisy)[REACH:-REACH], _voice_band(clean)[REACH:-REACH]
        np.testing.assert_allclose(heard, target, atol=3e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"room": 1},
        {"codec": 1},
        {"clipping": 1},
        {"microphone_equaliser": 1, "low_pass": 1, "high_pass": 1},
        {"speech_speed": 1, "speech_equaliser": 1},
    ],
    ids=lambda changes: "+".join(changes),
)
def test_target_is_aligned_with_the_noisy_signal(corpus, changes):
    quiet = {"snr_bands": ((24.0, 25.0, 1.0),), "codec": 0, "speech_only": 0, "noise_only": 0}
    mixtures = _mixtures(corpus, **{**quiet, **changes})
    for i in range(8):
        noisy, clean, _, _ = mixtures.mix(i)
        correlation = signal.correlate(noisy, clean)
        assert correlation.argmax() == len(clean) - 1


def test_levels_spread_and_nothing_overloads(corpus):
    mixtures = _mixtures(corpus)
    levels = []
    for i in range(150):
        noisy, clean, _, _ = mixtures.mix(i)
        assert np.abs(noisy).max() <= 1
        assert np.isfinite(clean).all()
        assert noisy.dtype == clean.dtype == np.float32
        levels.append(20 * math.log10(np.sqrt(np.mean(noisy**2))))
    assert max(levels) < -4
    assert min(levels) > -51
    assert np.std(levels) > 4


def test_overload_guard_scales_both_alike(corpus):
    loud = {**ADDITIVE, "level_dbfs": (-3.0, -3.0), "microphone_equaliser": 0, "low_pass": 0}
    mixtures = _mixtures(corpus, **loud, high_pass=0)
    for i in range(10):
        noisy, clean, snr_db, _ = mixtures.mix(i)
        assert max(np.abs(noisy).max(), np.abs(clean).max()) <= 1
        measured = 10 * math.log10(active_power(clean) / active_power(noisy - clean))
        assert measured == pytest.approx(snr_db, abs=0.3)


def test_every_kind_of_noise_occurs(corpus):
    mixtures = _mixtures(corpus)
    names = " + ".join(mixtures.mix(i).noise for i in range(250))
    for name in ("babble", "coloured", "hum", "clicks", "noise/"):
        assert name in names


@pytest.mark.parametrize("corner", [30, 120])
def test_rumble_lies_below_its_corner(corner):
    for seed in range(5):
        sound = rumble(np.random.default_rng(seed), 4 * SAMPLE_RATE, corner)
        power = np.abs(np.fft.rfft(sound)) ** 2
        frequency = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
        assert power[frequency < 3 * corner].sum() / power.sum() > 0.7
        assert power[frequency > 1000].sum() / power.sum() < 0.1
        assert active_power(sound) == pytest.approx(1, rel=0.01)


def test_rumble_comes_beside_the_drawn_snr(corpus):
    plain = ADDITIVE | {"microphone_equaliser": 0, "high_pass": 0, "low_pass": 0}
    without = _mixtures(corpus, **plain)
    loud = _mixtures(corpus, **plain | {"rumble": 1.0, "rumble_db": (0.0, 0.0)})
    for i in range(20):
        before, after = without.mix(i), loud.mix(i)
        assert before.snr_db == after.snr_db
        ratios = [active_power(m.noisy - m.clean) / active_power(m.clean) for m in (before, after)]
        assert ratios[1] > ratios[0] + 0.4  # as strong as speech itself


def test_no_target_keeps_what_lies_below_voices(corpus, monkeypatch):
    """Recordings of speech may stand on an offset and a swell: noise, and no part of the target."""
    read = Corpus.read
    time = np.arange(60 * SAMPLE_RATE) / SAMPLE_RATE
    swell = (0.05 + 0.1 * np.sin(2 * np.pi * 7 * time)).astype(np.float32)

    def on_a_swell(self, clip, offset, frames):
        samples = read(self, clip, offset, frames)
        return samples + swell[offset : offset + len(samples)] * (clip.kind == "speech")

    monkeypatch.setattr(Corpus, "read", on_a_swell)
    same_for_both = {"microphone_equaliser": 0, "high_pass": 0, "low_pass": 0, "speech_speed": 0}
    mixtures = _mixtures(corpus, seconds=2.0, **ADDITIVE | same_for_both | {"partial_speech": 0})
    for i in range(8):
        mixture = mixtures.mix(i)
        power = [np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2 for x in mixture[:2]]
        below = np.fft.rfftfreq(len(mixture.clean), 1 / SAMPLE_RATE) < 20
        assert power[1][below].sum() < 1e-4 * power[1].sum()
        assert power[0][below].sum() > 1e-3 * power[0].sum()  # it is there to be taken away


def test_targets_are_the_same_to_the_bit_whatever_the_threads():
    rng = np.random.default_rng(0)
    speech = np.cumsum(rng.standard_normal(3 * SAMPLE_RATE)).astype(np.float32) * np.float32(1e-3)
    targets = []
    for count in (1, 2):
        torch.set_num_threads(count)
        targets.append(without_infrasound(speech))
        assert torch.get_num_threads() == count
    np.testing.assert_array_equal(*targets)
    assert len(without_infrasound(np.ones(100, np.float32))) == 100  # shorter than the edge


def test_mains_hum_is_at_mains_frequency():
    hum = mains_hum(np.random.default_rng(0), 4 * SAMPLE_RATE)
    power = np.abs(np.fft.rfft(hum * np.hanning(len(hum)))) ** 2
    frequency = np.fft.rfftfreq(len(hum), 1 / SAMPLE_RATE)
    fundamental = min((50, 60), key=lambda f: abs(frequency[power.argmax()] / f % 1 - 0.5) * -1)
    harmonics = np.abs((frequency / fundamental + 0.5) % 1 - 0.5) < 0.06
    assert power[harmonics].sum() / power.sum() > 0.99


def test_an_appliance_is_a_tone_of_harmonics_over_air():
    """Its strongest lines stand out of the rush around them by far."""
    for seed in range(4):
        noise = appliance(np.random.default_rng(seed), 4 * SAMPLE_RATE)
        power = np.abs(np.fft.rfft(noise[:SAMPLE_RATE] * np.hanning(SAMPLE_RATE))) ** 2
        assert np.sort(power)[-20:].mean() > 30 * np.median(power)
        assert np.isfinite(noise).all()


@pytest.mark.parametrize("codec", CODECS)
def test_codec_keeps_length_and_time(codec):
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    chirp = (0.3 * signal.chirp(time, 200, 2, 3000)).astype(np.float32)
    chirp[:4000] = 0
    decoded = codec_pass(chirp, codec, CODECS[codec][1][-1])
    assert decoded.shape == chirp.shape
    lag = signal.correlate(decoded, chirp).argmax() - (len(chirp) - 1)
    assert lag == 0
    assert np.sum(chirp**2) / np.sum((decoded - chirp) ** 2) > 10  # 10 dB


def test_rooms_begin_with_the_direct_sound_and_decay(tmp_path):
    for room in simulated_rooms(5, tmp_path):
        assert np.sum(room.early**2) == pytest.approx(1, abs=1e-3)
        assert np.abs(room.early[:3]).max() >= 0.5 * np.abs(room.whole).max()
        np.testing.assert_array_equal(room.early[:600], room.whole[:600])
        quarter = len(room.whole) // 4
        assert np.sum(room.whole[-quarter:] ** 2) < 0.05 * np.sum(room.whole**2)
    again = simulated_rooms(5, tmp_path)  # from the cache
    np.testing.assert_array_equal(again[0].whole, simulated_rooms(5, tmp_path / "b")[0].whole)


def test_a_response_with_lead_time_is_cut_at_its_direct_sound():
    response = np.zeros(4000)
    response[777], response[1500], response[3000] = 0.9, 0.5, 0.3
    room = room_from_response(response)
    assert np.abs(room.whole).argmax() == 0
    assert room.early[723] != 0  # 45 ms after the direct sound
    assert len(room.early) == 800  # 50 ms


def test_measured_responses_are_used(speech_folder, noise_folder, cache, tmp_path):
    response = np.zeros(3000)
    response[100], response[2500] = 0.8, 0.4
    soundfile.write(tmp_path / "rir.wav", response, SAMPLE_RATE)
    corpus = Corpus.build(speech=[speech_folder], noise=[noise_folder], rir=[tmp_path], cache=cache)
    echo = {"simulated_rooms": 0, "room": 1, "speech_only": 1, "noise_only": 0, "clipping": 0}
    noisy, clean, _, _ = _mixtures(corpus, **echo).mix(3)
    late = noisy - clean
    assert not np.allclose(late, 0, atol=1e-3)
    tail, voice = _voice_band(late)[2400:], _voice_band(clean)[:-2400]
    np.testing.assert_allclose(tail[REACH:-REACH], 0.5 * voice[REACH:-REACH], atol=5e-4)


def test_validation_is_fixed_and_spans_mild_to_loud(speech_folder, noise_folder, cache):
    valid = Corpus.build(speech=[speech_folder], noise=[noise_folder], cache=cache, split="valid")
    one, two = (validation_mixtures(valid, 12, seed=5, seconds=1.0) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.noisy, b.noisy)
    snrs = [mixture.snr_db for mixture in one]
    assert {2.5, 7.5, 12.5, 17.5} <= set(snrs)
    assert min(snrs) == -5
    assert max(snrs) == 20
    for noisy, clean, snr_db, noise in one:
        measured = 10 * math.log10(active_power(clean) / active_power(noisy - clean))
        if "rumble" in noise:
            assert measured < snr_db
        else:
            assert measured == pytest.approx(snr_db, abs=0.1)
    assert sum("rumble" in mixture.noise for mixture in one) == 4


def test_without_noise_it_says_what_to_give(speech_folder, cache):
    with pytest.raises(UserError) as caught:
        MixtureSet(Corpus.build(speech=[speech_folder], cache=cache))
    assert caught.value.code == "training.no_noise"
