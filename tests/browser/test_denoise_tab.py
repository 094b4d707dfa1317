"""The denoise tab as a visitor uses it: upload, record, compare, download, share."""

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from frcrn_app.audio import Audio, load_audio, resample, save_audio
from frcrn_app.metrics import si_sdr
from steps import (
    DONE,
    EMPTY,
    FAILED,
    FILE_INPUT,
    download,
    open_again,
    open_result,
    set_strength,
    upload,
    wait_for_state,
)

LEAST_MEAN_GAIN = 6.0  # dB of SI-SDR over the example pairs
LEAST_RECORDED_GAIN = 2.0  # dB; the browser's resampler stands between the file and the page


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
        before, after = (si_sdr(clean.samples[0], one.samples[0]) for one in (noisy, cleaned))
        gains[noisy_path.stem] = round(after - before, 1)
        page.get_by_role("button", name="Remove the recording").click()
        page.wait_for_selector(EMPTY)
        assert page.locator("#again").is_disabled()
    assert np.mean(list(gains.values())) >= LEAST_MEAN_GAIN, gains


def test_the_download_follows_strength_and_format(page, noisy_speech, tmp_path):
    recording = save_audio(tmp_path / "My talk.wav", noisy_speech, format="wav16")
    open_result(page, recording)
    full = download(page, tmp_path / "a")
    assert full.name == "My talk_denoised.wav"
    page.get_by_label("Format of the download").select_option("flac")
    flac = download(page, tmp_path / "b")
    assert flac.name == "My talk_denoised.flac"
    assert soundfile.info(flac).format == "FLAC"
    page.get_by_label("Format of the download").select_option("same")
    set_strength(page, 50)
    half = load_audio(download(page, tmp_path / "c")).samples
    expected = (load_audio(full).samples + load_audio(recording).samples) / 2
    assert np.abs(half - expected).max() < 2 / 32768
    set_strength(page, 0)
    untouched = load_audio(download(page, tmp_path / "d")).samples
    assert np.array_equal(untouched, load_audio(recording).samples)


def test_strength_says_what_it_does_in_decibels(page, example_clips):
    open_result(page, example_clips[1])
    said = []
    for percent in (100, 90, 50, 0):
        set_strength(page, percent)
        said.append(page.inner_text("#result .fr-strength-words"))
    falls = [float(words.split("noise ")[1].split(" dB")[0]) for words in said[:3]]
    assert falls == sorted(falls, reverse=True)
    assert falls[2] == pytest.approx(6, abs=1)  # half of the noise, and what the network left
    assert "as it is" in said[3]
    assert "0.0 dB" in page.inner_text("#result .fr-facts")


def test_a_result_says_when_other_weights_are_chosen(page, example_clips):
    open_result(page, example_clips[0])
    assert page.locator("#result .fr-stale").is_hidden()
    page.evaluate("dispatchEvent(new CustomEvent('frcrn-weights', { detail: 'others' }))")
    assert "others are chosen" in page.inner_text("#result .fr-stale")
    ticket = page.get_attribute("#result .fr-download", "href")
    page.get_by_role("button", name="Clean again").first.click()
    page.wait_for_function(
        f"document.querySelector('#result .fr-download')?.href.includes('{ticket}') === false"
    )


def test_a_recording_from_the_microphone_is_cleaned(page, at_the_microphone, tmp_path):
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("meter", name="Input level").wait_for()
    time.sleep(6)
    page.get_by_role("button", name="Stop and clean").click()
    page.wait_for_selector(DONE)
    assert page.inner_text("#sound .fr-held-name").startswith("Recording 20")
    wait_for_state(page, "ready", "true")
    cleaned = load_audio(download(page, tmp_path / "a"))
    set_strength(page, 0)
    recorded = load_audio(download(page, tmp_path / "b"))
    assert recorded.sample_rate > 16_000  # the device's own
    assert recorded.duration > 3
    clean = _picked_up_by_the_microphone(recorded, *at_the_microphone)
    narrow = [resample(one.samples, one.sample_rate, 16_000)[0] for one in (recorded, cleaned)]
    before, after = (si_sdr(clean[: len(one)], one[: len(clean)]) for one in narrow)
    assert after - before >= LEAST_RECORDED_GAIN, (before, after)


def _picked_up_by_the_microphone(recorded: Audio, noisy_path: Path, clean_path: Path) -> np.ndarray:
    """The clean speech, repeated as the fake microphone does, aligned with the recording."""
    noisy, clean = (load_audio(path).samples[0] for path in (noisy_path, clean_path))
    heard = resample(recorded.samples, recorded.sample_rate, 16_000)[0]
    repeats = -(-(2 * len(noisy) + len(heard)) // len(noisy))
    noisy, clean = np.tile(noisy, repeats), np.tile(clean, repeats)
    size = len(noisy) + len(heard)
    product = np.fft.rfft(noisy, size) * np.conj(np.fft.rfft(heard, size))
    lag = int(np.argmax(np.fft.irfft(product, size)[: len(noisy) - len(heard)]))
    return clean[lag : lag + len(heard)]


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


def test_a_drop_anywhere_replaces_the_file(page, example_clips, noisy_speech, tmp_path):
    open_result(page, example_clips[0])
    dropped = save_audio(tmp_path / "dropped.wav", noisy_speech, format="wav16")
    content = list(dropped.read_bytes())
    page.evaluate(
        """(content) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(content)], "dropped.wav"));
          const options = { dataTransfer: data, bubbles: true, cancelable: true };
          const target = document.querySelector("footer");
          target.dispatchEvent(new DragEvent("dragover", options));
          target.dispatchEvent(new DragEvent("drop", options));
        }""",
        content,
    )
    page.wait_for_selector(f"{DONE} h2:has-text('dropped.wav')")


def test_a_running_job_can_be_cancelled(page, long_recording):
    upload(page, long_recording)
    page.wait_for_selector("#result .fr-working [role=progressbar]")
    page.click("#result .fr-cancel")
    page.wait_for_selector(f"{EMPTY} h2:has-text('Cancelled')")
    page.click(".fr-chip >> nth=0")  # and the next one works
    page.wait_for_selector(DONE)


def test_a_page_that_is_loaded_again_finds_its_job_and_its_result(page, long_recording):
    upload(page, long_recording)
    page.wait_for_selector("#result .fr-working [role=progressbar]")
    page.reload()
    page.wait_for_selector("#result .fr-working h2:has-text('long.wav')")
    assert page.inner_text("#sound .fr-held-name") == "long.wav"
    page.click("#result .fr-cancel")
    page.wait_for_selector(EMPTY)
    page.click(".fr-chip >> nth=0")
    page.wait_for_selector(DONE)
    name = page.inner_text(f"{DONE} h2")
    page.reload()
    page.wait_for_selector(f"{DONE} h2:has-text('{name}')")
    page.get_by_role("button", name="Clean again").click()  # the recording is there, too
    page.wait_for_selector(f"{DONE} h2:has-text('{name}')")


def test_back_in_mid_job_finds_the_job_again(page, long_recording):
    upload(page, long_recording)
    page.wait_for_selector("#result .fr-working [role=progressbar]")
    page.goto("about:blank")
    page.go_back()
    page.wait_for_selector("#result .fr-working h2:has-text('long.wav')")
    page.click("#result .fr-cancel")
    page.wait_for_selector(EMPTY)


def test_a_result_is_shared_by_a_link_where_that_is_allowed(page, example_clips, chromium):
    open_result(page, example_clips[0])
    kept = page.evaluate("sessionStorage.getItem('frcrn-ticket')")
    visitor = chromium.new_context().new_page()
    visitor.goto(f"{page.url}?result={kept}")
    visitor.wait_for_selector(FAILED)  # not shared yet
    page.get_by_role("button", name="Share").click()
    link = page.get_by_label("Link to this result").input_value()
    page.wait_for_timeout(500)
    visitor.goto(link)
    visitor.wait_for_selector(f"{DONE} h2:has-text('{example_clips[0].name}')")
    visitor.context.close()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.wav", b"", "empty"),
        ("picture.wav", b"\x89PNG\r\n\x1a\n" + bytes(500), "picture.wav"),
        ("noise.mp3", bytes(range(256)) * 40, "noise.mp3"),
    ],
)
def test_a_file_without_audio_gets_one_sentence(page, name, content, words, tmp_path):
    file = tmp_path / name
    file.write_bytes(content)
    upload(page, file)
    page.wait_for_selector(FAILED)
    sentence = page.inner_text(f"{FAILED} p")
    assert words in sentence
    assert sentence.count("\n") == 0
    assert "/" not in sentence.replace("and/or", "")  # no path of the server


def test_too_long_a_recording_is_refused_in_minutes(page, tmp_path):
    silence = Audio(np.zeros((1, 201 * 8_000), np.float32), 8_000)
    upload(page, save_audio(tmp_path / "long.wav", silence, format="wav16"))
    page.wait_for_selector(FAILED)
    assert "3.3 minutes" in page.inner_text(f"{FAILED} p")
    assert "--" not in page.inner_text(f"{FAILED} p")
    assert "3.3 minutes" in page.inner_text("#sound")  # said before, too


def test_what_is_wrong_is_told_in_the_language_of_the_page(open_page, tmp_path):
    files = [tmp_path / "first.wav", tmp_path / "second.wav"]
    for file in files:
        file.write_bytes(b"")
    page = open_page(locale="zh-CN")
    upload(page, files[0])
    page.wait_for_selector(f"{FAILED} p:has-text('空')")
    assert "first.wav" in page.inner_text(f"{FAILED} p")
    page.click("[data-language=en]")  # of which the browser's own list says nothing
    page.wait_for_selector("h1:has-text('Hear the voice')")
    upload(page, files[1])
    page.wait_for_selector(f"{FAILED} p:has-text('empty')")


def test_the_page_speaks_chinese(open_page, example_clips):
    page = open_page(locale="zh-CN")
    assert page.inner_text("h1") == "留下人声，去掉噪声。"
    names = ["降噪", "批量处理", "实时", "评测"]
    assert page.locator("[role=tab]").all_inner_texts() == names
    open_result(page, example_clips[0])
    assert page.get_by_role("radio", name="降噪后").is_visible()
    page.click("[data-language=en]")  # at run time, with the result kept
    page.wait_for_selector("h1:has-text('Hear the voice')")
    page.get_by_role("radio", name="Cleaned").wait_for()
    page.wait_for_selector("[role=tab]:has-text('Evaluate')")
    assert page.locator("[role=tab]").all_inner_texts() == ["Denoise", "Batch", "Live", "Evaluate"]
    later = open_again(page)
    later.wait_for_selector("h1:has-text('Hear the voice')")  # the choice is remembered


def click_once_a_result_is_there(page, selector: str) -> None:
    """At the very moment, in the page itself, before its spectrograms have come."""
    page.evaluate(
        """(selector) => {
            const changed = (_, observer) => {
                if (!document.querySelector(".fr-done")) return;
                observer.disconnect();
                document.querySelector(selector).click();
            };
            const everything = { childList: true, subtree: true };
            new MutationObserver(changed).observe(document.body, everything);
        }""",
        selector,
    )


def test_the_language_may_be_changed_before_a_result_is_complete(open_page, example_clips):
    """Spectrograms come after the sound, which has its words by then."""
    page = open_page(locale="zh-CN")
    click_once_a_result_is_there(page, "[data-language=en]")
    open_result(page, example_clips[0])
    page.get_by_role("radio", name="Cleaned").wait_for(timeout=10_000)


def test_what_is_removed_before_it_is_complete_does_not_come_back(open_page, example_clips):
    page = open_page()
    click_once_a_result_is_there(page, "[aria-label='Remove the recording']")
    upload(page, example_clips[0])
    page.wait_for_selector("#result [role=progressbar]", state="attached")
    page.wait_for_selector(EMPTY)
    page.wait_for_timeout(3_000)  # its spectrograms have come by then
    assert page.locator(EMPTY).is_visible()


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


def test_the_page_asks_for_any_file(page):
    """A phone's picker must not hide what the server can read."""
    assert page.get_attribute(FILE_INPUT, "accept") is None
