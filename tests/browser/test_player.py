"""The player: switching, mixing, keys, screen readers, one at a time."""

import time

from steps import (
    focused,
    leave_focus,
    open_again,
    open_result,
    player_state,
    position,
    set_strength,
    upload,
    wait_for_state,
)

PLAYED = "+document.querySelector('#result .fr-waveform').getAttribute('aria-valuenow') > "
GAINS = """() => {
  window.gains = [];
  const Gain = window.GainNode;
  window.GainNode = function (...given) {
    const node = new Gain(...given);
    window.gains.push(node);
    return node;
  };
}"""
LAST_GAINS = "() => window.gains.slice(-2).map((node) => node.gain.value)"  # original, cleaned


def test_switching_keeps_the_position_and_the_audio_going(page, example_clips):
    open_result(page, example_clips[0])
    page.click("#result .fr-play")
    wait_for_state(page, "playing", "true")
    page.wait_for_function(f"{PLAYED} 0.8")
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


def test_switching_works_where_the_audio_is_streamed(page, example_clips):
    """Recordings too long to be held decoded are streamed, as they are where decoding fails."""
    page.evaluate("window.OfflineAudioContext = undefined")
    open_result(page, example_clips[0])
    page.click("#result .fr-play")
    wait_for_state(page, "playing", "true")
    page.wait_for_function(f"{PLAYED} 0.5")
    before = position(page)
    page.keyboard.press("a")
    assert player_state(page, "active") == "original"
    assert player_state(page, "playing") == "true"
    assert before <= position(page) <= before + 1.5
    page.click("#result .fr-play")
    wait_for_state(page, "playing", "false")


def test_what_plays_is_the_version_that_is_chosen_at_its_strength(page, example_clips):
    page.evaluate(GAINS)
    open_result(page, example_clips[0])
    page.click("#result .fr-play")
    wait_for_state(page, "playing", "true")
    page.wait_for_function("() => window.gains.length >= 2")
    assert page.evaluate(LAST_GAINS) == [0, 1]
    page.keyboard.press("s")
    page.wait_for_function(f"() => ({LAST_GAINS})().join() === '1,0'")
    page.keyboard.press("s")
    set_strength(page, 75)
    page.wait_for_function(f"() => ({LAST_GAINS})().join() === '0.25,0.75'")


def test_space_plays_wherever_a_result_comes_from(page, example_clips):
    page.click(".fr-chip >> nth=0")
    wait_for_state(page, "ready", "true")
    assert focused(page) == "fr-play"
    page.keyboard.press("Space")
    wait_for_state(page, "playing", "true")
    page.wait_for_selector("#result .fr-pictures input")
    page.focus("#result .fr-pictures input")  # as after dragging the line
    page.keyboard.press("Space")
    wait_for_state(page, "playing", "false")
    page.click("#again")
    page.wait_for_selector("#result .fr-working", state="attached")
    wait_for_state(page, "ready", "true")
    page.keyboard.press("Space")
    wait_for_state(page, "playing", "true")


def test_the_player_works_by_keyboard(page, example_clips):
    open_result(page, example_clips[0])
    leave_focus(page)
    page.keyboard.press("Space")
    wait_for_state(page, "playing", "true")
    page.keyboard.press("s")
    assert player_state(page, "active") == "original"
    page.focus(".fr-theme")  # wherever the focus is
    page.keyboard.press("b")
    assert player_state(page, "active") == "cleaned"
    leave_focus(page)
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
    page.focus("#weights input")
    page.keyboard.press("b")
    assert player_state(page, "active") == "original"
    leave_focus(page)
    page.get_by_role("button", name="Keys: on").click()
    page.keyboard.press("b")
    assert player_state(page, "active") == "original"
    page.get_by_role("button", name="Keys: off").click()
    page.keyboard.press("b")
    assert player_state(page, "active") == "cleaned"


def test_in_all_tabs_one_player_plays_and_one_switch_turns_keys_off(page, example_clips):
    open_result(page, example_clips[0])
    later = open_again(page)
    open_result(later, example_clips[1])
    page.click("#result .fr-play")
    wait_for_state(page, "playing", "true")
    later.click("#result .fr-play")
    wait_for_state(later, "playing", "true")
    wait_for_state(page, "playing", "false")
    page.get_by_role("button", name="Keys: on").click()
    later.get_by_role("button", name="Keys: off").click()
    page.get_by_role("button", name="Keys: on").wait_for()


def test_the_player_speaks_to_screen_readers(page, example_clips):
    open_result(page, example_clips[0])
    player = page.get_by_role("group", name="Player: original and cleaned")
    assert player.get_by_role("button", name="Play").is_visible()
    versions = player.get_by_role("radiogroup", name="Version that plays")
    assert versions.get_by_role("radio", name="Cleaned", checked=True).is_visible()
    slider = player.get_by_role("slider", name="Position")
    assert slider.get_attribute("aria-valuetext").startswith("0:00 of ")
    assert "dB" in player.get_by_role("slider", name="Strength").get_attribute("aria-valuetext")
    page.wait_for_selector("#result .fr-pictures img")
    assert page.get_by_alt_text("Spectrogram, Original").count() == 1
    assert page.get_by_role("slider", name="Dividing line").count() == 1
    leave_focus(page)
    page.keyboard.press("s")
    assert page.inner_text("#result .fr-live") == "Original"


def test_start_and_end_are_announced_once(page, example_clips):
    page.evaluate(
        """() => {
          window.said = [];
          const live = document.querySelector("#result .fr-live");
          new MutationObserver(() => window.said.push(live.textContent)).observe(live, {
            childList: true,
          });
        }"""
    )
    upload(page, example_clips[0])
    page.wait_for_selector("#result .fr-quality table")
    said = page.evaluate("window.said")
    assert said[0] == f"Cleaning {example_clips[0].name}"
    assert said[-1] == "The cleaned recording is ready."
    assert len(said) == len(set(said)) <= 3
