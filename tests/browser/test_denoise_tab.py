"""The denoise tab as a visitor uses it: upload, record, listen, compare, download."""

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from frcrn_app.audio import Audio, load_audio, resample, save_audio
from frcrn_app.metrics import si_sdr

SOUND_INPUT = "#sound input[type=file]"
VIDEO_INPUT = "input[type=file]:not(#sound input)"
LEAST_MEAN_GAIN = 6.0  # dB of SI-SDR over the example pairs
LEAST_RECORDED_GAIN = 2.0  # dB; the browser's codec stands between the file and the page
DONE = "#result .fr-done"
FAILED = "#result .fr-failed"


def upload(page, path: Path) -> None:
    page.set_input_files(SOUND_INPUT, str(path))


def download(page, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.click("#result .fr-download")
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target


def position(page) -> float:
    return float(page.get_attribute("#result .fr-waveform", "aria-valuenow"))


def player_state(page, name: str) -> str:
    return page.get_attribute("#result .fr-player", f"data-{name}")


def wait_for_state(page, name: str, value: str) -> None:
    page.wait_for_selector(f'#result .fr-player[data-{name}="{value}"]')


def leave_focus(page) -> None:
    page.evaluate("document.activeElement.blur()")


def open_again(page):
    """The demo in a second tab of the same browser."""
    later = page.context.new_page()
    later.goto(page.url)
    later.wait_for_selector("#result .fr-empty")
    return later


def open_result(page, path: Path) -> None:
    upload(page, path)
    page.wait_for_selector(DONE)
    wait_for_state(page, "ready", "true")


@pytest.fixture
def long_recording(example_pairs, tmp_path) -> Path:
    """Three minutes of noisy speech: many windows of work."""
    noisy = load_audio(example_pairs[0][0])
    samples = np.tile(noisy.samples, (1, 27))[:, : 180 * noisy.sample_rate]
    return save_audio(tmp_path / "long.wav", noisy.with_samples(samples), format="wav16")


def test_uploaded_pairs_come_back_with_less_noise(page, example_pairs, tmp_path):
    gains = {}
    for noisy_path, clean_path in example_pairs:
        open_result(page, noisy_path)
        cleaned = load_audio(download(page, tmp_path))
        noisy, clean = load_audio(noisy_path), load_audio(clean_path)
        assert cleaned.samples.shape == noisy.samples.shape
        assert cleaned.sample_rate == noisy.sample_rate
        before, after = (si_sdr(clean.samples[0], sound.samples[0]) for sound in (noisy, cleaned))
        gains[noisy_path.stem] = round(after - before, 1)
        page.click("#sound button[aria-label=Clear]")
        page.wait_for_selector("#result .fr-empty")
    assert np.mean(list(gains.values())) >= LEAST_MEAN_GAIN, gains


def test_the_download_keeps_the_name_and_takes_the_chosen_format(page, noisy_speech, tmp_path):
    recording = save_audio(tmp_path / "My talk.wav", noisy_speech, format="wav16")
    open_result(page, recording)
    assert download(page, tmp_path / "a").name == "My talk_denoised.wav"
    page.click("#format input")
    page.get_by_role("option", name="FLAC").click()
    page.click("#again")
    page.wait_for_selector("#result .fr-download small:has-text('FLAC')")
    flac = download(page, tmp_path / "b")
    assert flac.name == "My talk_denoised.flac"
    assert soundfile.info(flac).format == "FLAC"


def test_a_recording_from_the_microphone_is_cleaned(page, example_pairs, tmp_path):
    page.click("#sound button[aria-label='Record audio']")
    page.click("#sound button.record-button")
    page.wait_for_selector("#sound button.stop-button")
    time.sleep(5)
    page.click("#sound button.stop-button")
    page.wait_for_selector(DONE)
    cleaned = load_audio(download(page, tmp_path))
    assert cleaned.sample_rate == 16_000
    assert cleaned.duration > 4
    with page.expect_response(lambda response: "original.wav" in response.url) as original:
        page.click("#again")
    recorded_path = tmp_path / "recorded.wav"
    recorded_path.write_bytes(original.value.body())
    recorded = load_audio(recorded_path)
    clean = _heard_by_the_microphone(recorded, *example_pairs[0])
    before, after = (si_sdr(clean, sound.samples[0]) for sound in (recorded, cleaned))
    assert after - before >= LEAST_RECORDED_GAIN, (before, after)


def _heard_by_the_microphone(recorded: Audio, noisy_path: Path, clean_path: Path) -> np.ndarray:
    """The clean speech, repeated as the fake microphone does, aligned with what was recorded."""
    noisy, clean = (
        resample(sound.samples, sound.sample_rate, recorded.sample_rate)[0]
        for sound in (load_audio(noisy_path), load_audio(clean_path))
    )
    length = len(recorded.samples[0])
    repeats = -(-(2 * len(noisy) + length) // len(noisy))
    noisy, clean = np.tile(noisy, repeats), np.tile(clean, repeats)
    size = len(noisy) + length
    product = np.fft.rfft(noisy, size) * np.conj(np.fft.rfft(recorded.samples[0], size))
    lag = int(np.argmax(np.fft.irfft(product, size)[: len(noisy) - length]))
    return clean[lag : lag + length]


def test_an_example_is_one_click_away_and_told_about(page):
    page.click(".fr-chip >> nth=0")
    page.wait_for_selector(DONE)
    facts = page.inner_text("#result .fr-facts")
    for fact in ("Duration", "Time taken", "Real-time factor", "Device", "Weights"):
        assert fact in facts
    assert "dB" in facts
    page.wait_for_selector("#result .fr-quality table")
    rows = page.locator("#result .fr-quality tbody tr")
    assert rows.count() == 3
    for row in rows.all():
        numbers = [float(cell) for cell in row.locator(".fr-number").all_inner_texts()[:2]]
        assert all(1 <= number <= 5 for number in numbers)
    for picture in page.locator("#result .fr-pictures img").all():
        assert picture.evaluate("image => image.complete && image.naturalWidth") > 500


def test_both_versions_are_served_at_their_own_level(page, noisy_speech, tmp_path):
    quiet = noisy_speech.with_samples(0.1 * noisy_speech.samples)
    with page.expect_response(lambda response: "original.wav" in response.url) as original:
        upload(page, save_audio(tmp_path / "quiet.wav", quiet, format="wav16"))
    (tmp_path / "heard.wav").write_bytes(original.value.body())
    heard = load_audio(tmp_path / "heard.wav")
    assert np.abs(heard.samples - quiet.samples).max() < 2 / 32768


def test_switching_keeps_the_position_and_the_sound_going(page, example_clips):
    open_result(page, example_clips[0])
    page.click("#result .fr-play")
    wait_for_state(page, "playing", "true")
    page.wait_for_function(
        "+document.querySelector('#result .fr-waveform').getAttribute('aria-valuenow') > 0.8"
    )
    assert player_state(page, "active") == "cleaned"
    before, began = position(page), time.monotonic()
    page.click("#result [data-version=original]")
    after, passed = position(page), time.monotonic() - began
    assert player_state(page, "active") == "original"
    assert player_state(page, "playing") == "true"
    assert before <= after <= before + passed + 0.3
    page.click("#result .fr-play")
    wait_for_state(page, "playing", "false")
    stopped = position(page)
    page.click("#result [data-version=cleaned]")
    assert position(page) == stopped


def test_switching_works_where_the_sound_is_streamed(page, example_clips):
    """Sounds too long to be held decoded are streamed, as they are where decoding fails."""
    page.evaluate("window.OfflineAudioContext = undefined")
    open_result(page, example_clips[0])
    page.click("#result .fr-play")
    wait_for_state(page, "playing", "true")
    page.wait_for_function(
        "+document.querySelector('#result .fr-waveform').getAttribute('aria-valuenow') > 0.5"
    )
    before = position(page)
    page.keyboard.press("a")
    assert player_state(page, "active") == "original"
    assert player_state(page, "playing") == "true"
    assert before <= position(page) <= before + 1.5
    page.click("#result .fr-play")
    wait_for_state(page, "playing", "false")


def test_the_two_versions_sound_different_and_only_one_is_heard(page, example_clips):
    """What leaves the page's gains is measured at both: one full, one silent, then the other."""
    page.evaluate(
        """() => {
          window.gains = [];
          const Gain = window.GainNode;
          window.GainNode = function (...given) {
            const node = new Gain(...given);
            window.gains.push(node);
            return node;
          };
        }"""
    )
    open_result(page, example_clips[0])
    page.click("#result .fr-play")
    wait_for_state(page, "playing", "true")
    values = "() => window.gains.slice(-2).map((node) => node.gain.value)"
    page.wait_for_function("() => window.gains.length >= 2")
    assert page.evaluate(values) == [0, 1]  # original, cleaned
    page.keyboard.press("s")
    page.wait_for_function(f"() => ({values})().join() === '1,0'")


def test_the_player_works_by_keyboard(page, example_clips):
    open_result(page, example_clips[0])
    leave_focus(page)
    page.keyboard.press("Space")
    wait_for_state(page, "playing", "true")
    page.keyboard.press("s")
    assert player_state(page, "active") == "original"
    page.keyboard.press("b")
    assert player_state(page, "active") == "cleaned"
    page.keyboard.press("Space")
    wait_for_state(page, "playing", "false")
    page.focus("#result .fr-waveform")
    page.keyboard.press("Home")
    assert position(page) == 0
    page.keyboard.press("ArrowRight")
    assert 0 < position(page) < 2
    page.focus("#result .fr-version[aria-checked=true]")
    page.keyboard.press("ArrowLeft")
    assert player_state(page, "active") == "original"
    assert page.evaluate("document.activeElement.dataset.version") == "original"
    # A letter typed into a field is text, not a command.
    page.focus("#strength input[type=number]")
    page.keyboard.press("s")
    assert player_state(page, "active") == "original"


def test_the_player_speaks_to_screen_readers(page, example_clips):
    open_result(page, example_clips[0])
    player = page.get_by_role("group", name="Player: original and cleaned")
    assert player.get_by_role("button", name="Play").is_visible()
    versions = player.get_by_role("radiogroup", name="Version that is heard")
    assert versions.get_by_role("radio", name="Cleaned", checked=True).is_visible()
    slider = player.get_by_role("slider", name="Position")
    assert slider.get_attribute("aria-valuetext").startswith("0:00 of ")
    page.wait_for_selector("#result .fr-pictures img")
    assert page.get_by_alt_text("Spectrogram, Original").count() == 1
    assert page.get_by_role("slider", name="Dividing line").count() == 1
    leave_focus(page)
    page.keyboard.press("s")
    assert page.inner_text("#result .fr-live") == "Original"


def test_a_running_job_can_be_cancelled(page, long_recording, example_clips):
    upload(page, long_recording)
    page.wait_for_selector("#result .fr-working [role=progressbar]")
    page.click("#result .fr-cancel")
    page.wait_for_selector("#result .fr-empty h3:has-text('Cancelled')")
    page.click(".fr-chip >> nth=0")  # and the next one works
    page.wait_for_selector(DONE)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.wav", b"", "empty"),
        ("picture.wav", b"\x89PNG\r\n\x1a\n" + bytes(500), "picture.wav"),
        ("noise.mp3", bytes(range(256)) * 40, "noise.mp3"),
    ],
)
def test_a_file_that_is_no_sound_gets_one_sentence(page, name, content, words, tmp_path):
    file = tmp_path / name
    file.write_bytes(content)
    page.set_input_files(VIDEO_INPUT, str(file))
    page.wait_for_selector(FAILED)
    sentence = page.inner_text(f"{FAILED} p")
    assert words in sentence
    assert sentence.count("\n") == 0
    assert "/" not in sentence.replace("and/or", "")  # no path of the server


def test_what_is_wrong_is_told_in_the_language_of_the_page(open_page, tmp_path):
    files = [tmp_path / "first.wav", tmp_path / "second.wav"]
    for file in files:
        file.write_bytes(b"")
    page = open_page(locale="zh-CN")
    page.set_input_files(VIDEO_INPUT, str(files[0]))
    page.wait_for_selector(f"{FAILED} p:has-text('“first.wav”是空文件')")
    page.click("[data-language=en]")  # of which the browser's own list says nothing
    page.wait_for_selector("h1:has-text('Hear the voice')")
    page.set_input_files(VIDEO_INPUT, str(files[1]))
    page.wait_for_selector(f"{FAILED} p:has-text('\"second.wav\" is empty')")


def test_the_page_speaks_chinese(open_page, example_clips):
    page = open_page(locale="zh-CN")
    assert page.inner_text("h1") == "只听人声，不听噪声。"
    assert page.locator("[role=tab]").all_inner_texts() == ["降噪", "评测"]
    open_result(page, example_clips[0])
    assert page.get_by_role("radio", name="降噪后").is_visible()
    page.click("[data-language=en]")  # at run time, with the result kept
    page.wait_for_selector("h1:has-text('Hear the voice')")
    page.get_by_role("radio", name="Cleaned").wait_for()
    assert page.locator("[role=tab]").all_inner_texts() == ["Denoise", "Evaluate"]
    later = open_again(page)
    later.wait_for_selector("h1:has-text('Hear the voice')")  # the choice is remembered


def test_nothing_is_cut_off_at_390_pixels(open_page, example_clips):
    page = open_page(viewport={"width": 390, "height": 844})
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) <= 390
    open_result(page, example_clips[0])
    page.wait_for_selector("#result .fr-pictures img")
    assert page.evaluate(width) <= 390
    # The result comes before the settings, and into view by itself.
    page.wait_for_function("document.querySelector('#result').getBoundingClientRect().top < 700")
    tops = [page.locator(one).bounding_box()["y"] for one in ("#sound", "#result", "#strength")]
    assert tops == sorted(tops)


def test_dark_and_light_can_be_switched_and_are_remembered(open_page):
    page = open_page(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.click(".fr-theme")
    light = page.evaluate(background)
    assert dark != light
    assert open_again(page).evaluate(background) == light


def test_the_microphone_is_asked_for_unfiltered(page):
    asked = """async () => {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const settings = stream.getAudioTracks()[0].getSettings();
      stream.getTracks().forEach((track) => track.stop());
      return [settings.noiseSuppression, settings.autoGainControl, settings.echoCancellation];
    }"""
    assert page.evaluate(asked) == [False, False, False]
    page.get_by_text("What browsers do to microphones").click()
    page.click("#raw input")
    assert page.evaluate(asked) != [False, False, False]
