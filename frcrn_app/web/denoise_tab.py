"""The first tab: a recording goes in, the cleaned one comes out, both can be compared.

The handlers here only carry values between the page, the engine and the files that are served; the
page's own behaviour is in assets/player.js.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.context import Context
from gradio.utils import get_upload_folder

from frcrn_app.audio import AUDIO_SUFFIXES, load_audio, save_audio, to_mono
from frcrn_app.errors import AudioError, Cancelled, UserError
from frcrn_app.resources import data_folder
from frcrn_app.web import player
from frcrn_app.web.facts import MAX_REDUCTION_DB, dnsmos_of_both, noise_reduction_db
from frcrn_app.web.faults import guarded, sentence
from frcrn_app.web.figures import DYNAMIC_RANGE, save_spectrograms, waveform_peaks
from frcrn_app.web.texts import example_title, text
from frcrn_app.web.weights_menu import build_weights_menu

if TYPE_CHECKING:
    from frcrn_app.audio import Audio
    from frcrn_app.inference import Denoiser
    from frcrn_app.web.engine import Engine, Job
    from frcrn_app.web.options import WebOptions

POLL_SECONDS = 0.15  # between two looks at a job's progress
FORMATS = ("same", "wav16", "wav-float", "flac")
MAX_PLAYED_CHANNELS = 2  # of the two versions that are played; downloads keep all channels
RECORDING_RATE = 16_000  # Hz, at which the browser hands over what it records
EXAMPLES_FOLDER = data_folder("examples") / "noisy"
REQUESTS_AT_ONCE = 16  # that may wait in the engine's queue; more wait in Gradio's


@dataclass(frozen=True)
class Settings:
    """What may be chosen for one cleaning; raises AudioError for what cannot be."""

    strength: float = 1.0
    weights: str = "auto"
    output_format: str = "same"

    def __post_init__(self) -> None:
        if not isinstance(self.strength, int | float) or not 0 <= self.strength <= 1:
            raise AudioError(f"The strength must be from 0 to 1, not {self.strength}.")
        if self.output_format not in FORMATS:
            known = ", ".join(FORMATS)
            raise AudioError(f'There is no format "{self.output_format}"; choose one of {known}.')


class Turn:
    """One use of the player by a page; the next one ends it."""

    _numbers = itertools.count(1)

    def __init__(self) -> None:
        # Answers may arrive out of order: the page ignores those of turns before its latest.
        self.number = next(self._numbers)
        self.replaced = False
        self._cancelled = False
        self._job: Job | None = None

    def work_on(self, job: Job) -> None:
        self._job = job
        if self._cancelled:
            job.cancel()

    def cancel(self) -> None:
        self._cancelled = True
        if self._job is not None:
            self._job.cancel()

    def replace(self) -> None:
        self.replaced = True
        self.cancel()


class Sessions:
    """The turn of each open page, so that it can be cancelled or give way to the next."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}
        self._lock = threading.Lock()

    def begin(self, session: str) -> Turn:
        """A page has one turn: a new one ends what is still running."""
        turn = Turn()
        with self._lock:
            before = self._turns.get(session)
            self._turns[session] = turn
        if before is not None:
            before.replace()
        return turn

    def cancel(self, session: str) -> None:
        with self._lock:
            turn = self._turns.get(session)
        if turn is not None:
            turn.cancel()

    def leave(self, session: str) -> None:
        """The page was closed."""
        with self._lock:
            turn = self._turns.pop(session, None)
        if turn is not None:
            turn.replace()

    def finish(self, session: str, turn: Turn) -> None:
        """Let go of a turn and its sound, unless another has taken its place."""
        with self._lock:
            if self._turns.get(session) is turn:
                del self._turns[session]


def build_denoise_tab(options: WebOptions, engine: Engine) -> None:
    """Lay the tab out and connect it; called inside a `gr.Tab`."""
    sessions = Sessions()
    with gr.Row(elem_classes="fr-columns"):
        with gr.Column(elem_classes="fr-left"):
            with gr.Column(elem_classes="fr-card"):
                sound, video = _build_sound()
                examples = _build_examples()
                _build_microphone_hint()
            with gr.Column(elem_classes="fr-card"):
                strength, weights, output_format, again = _build_settings(options, engine)
        with gr.Column(elem_classes="fr-right"), gr.Column(elem_classes="fr-card"):
            result = player.build_player()

    def clean(
        path: str | None, strength: float, weights: str, output_format: str, request: gr.Request
    ) -> Iterator[dict]:
        settings = Settings(float(strength), weights, output_format)
        turn = sessions.begin(request.session_hash)
        try:
            for value in _clean(options, engine, turn, path, settings):
                yield value | {"turn": turn.number}
        finally:
            turn.replace()  # if the page was closed meanwhile
            sessions.finish(request.session_hash, turn)

    def cancel(request: gr.Request) -> None:
        sessions.cancel(request.session_hash)

    def leave(request: gr.Request) -> None:
        sessions.leave(request.session_hash)

    @guarded
    def extract(path: str, request: gr.Request) -> tuple:
        """The sound of a video as a WAV file, which every browser can play."""
        turn = sessions.begin(request.session_hash)
        try:
            audio = load_audio(path, max_seconds=options.max_seconds)
        except UserError as error:
            return gr.skip(), player.failed(sentence(error)) | {"turn": turn.number}
        stem = Path(path).stem
        wav = save_audio(_new_folder() / f"{stem}.wav", audio, format="wav-float")
        return str(wav), gr.skip()

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on(
        [sound.change, again.click],
        clean,
        [sound, strength, weights, output_format],
        result,
        trigger_mode="multiple",
        concurrency_limit=REQUESTS_AT_ONCE,
        concurrency_id="denoise",
        **quiet,
    )
    result.cancel(cancel, queue=False, **quiet)
    for button, example in examples:
        button.click(lambda path=str(example): path, outputs=sound, queue=False, **quiet)
    video.upload(extract, video, [sound, result], **quiet)
    Context.root_block.unload(leave)
    _build_endpoint(options, engine)


# What the tab is made of


def _build_sound() -> tuple[gr.Audio, gr.UploadButton]:
    gr.HTML(text("sound_title"))
    sound = gr.Audio(
        sources=["upload", "microphone"],
        type="filepath",
        label=text("sound"),
        elem_classes="fr-sound",
        elem_id="sound",
        buttons=[],
        waveform_options=gr.WaveformOptions(
            waveform_color="#c9b48f",
            waveform_progress_color="#c8761a",
            sample_rate=RECORDING_RATE,
        ),
    )
    video = gr.UploadButton(str(text("video")), elem_classes="fr-link", elem_id="video")
    return sound, video


def _build_examples() -> list[tuple[gr.Button, Path]]:
    """A button for each noisy clip that comes with the project."""
    files = sorted(p for p in EXAMPLES_FOLDER.glob("*") if p.suffix in AUDIO_SUFFIXES)
    if not files:
        return []
    gr.HTML(text("examples_title"))
    with gr.Row(elem_classes="fr-examples"):
        return [
            (gr.Button(example_title(file), size="sm", elem_classes="fr-chip"), file)
            for file in files
        ]


def _build_microphone_hint() -> None:
    with gr.Accordion(text("microphone_title"), open=False, elem_classes="fr-details"):
        raw = gr.Checkbox(True, label=text("raw_microphone"), elem_id="raw")
        gr.HTML(text("microphone_hint"))
    raw.change(None, raw, js="(on) => { window.frcrnPage.rawMicrophone = on; }")


def _build_settings(
    options: WebOptions, engine: Engine
) -> tuple[gr.Slider, gr.Dropdown, gr.Dropdown, gr.Button]:
    gr.HTML(text("settings_title"))
    strength = gr.Slider(
        0, 1, 1, step=0.05, label=text("strength"), info=text("strength_info"), elem_id="strength"
    )
    weights = build_weights_menu(options, engine)
    output_format = gr.Dropdown(
        [(text(f"format_{name}"), name) for name in FORMATS],
        value="same",
        label=text("format"),
        elem_id="format",
        filterable=False,
    )
    again = gr.Button(text("again"), variant="primary", elem_id="again")
    gr.HTML(text("private"))
    return strength, weights, output_format, again


# What happens


def _clean(
    options: WebOptions, engine: Engine, turn: Turn, path: str | None, settings: Settings
) -> Iterator[dict]:
    """Values for the player: at work, then the sound, then its spectrograms, then its scores."""
    if path is None:
        yield player.EMPTY
        return
    name = Path(path).name
    try:
        yield player.working(name, "loading")
        audio = load_audio(path, max_seconds=options.max_seconds)
        job = engine.submit(audio, settings.strength, settings.weights)
        turn.work_on(job)
        while not job.wait(POLL_SECONDS):
            ahead = engine.ahead_of(job)
            phase = "queued" if ahead else "cleaning" if job.running else "loading"
            yield player.working(name, phase, job.fraction, ahead)
        cleaned = job.result()
        folder = _new_folder()
        value = _done(engine, name, audio, cleaned, job, settings, folder)
        yield value
        for part in (_spectrograms, _scores):
            if turn.replaced:
                return
            value = value | part(audio, cleaned, folder)
            yield value
    except Cancelled:
        yield player.CANCELLED
    except Exception as error:
        yield player.failed(sentence(error))


def _done(
    engine: Engine,
    name: str,
    audio: Audio,
    cleaned: Audio,
    job: Job,
    settings: Settings,
    folder: Path,
) -> dict:
    """The player's value as soon as there is a sound to hear."""
    denoiser = engine.get(settings.weights)
    reduction = noise_reduction_db(audio.samples, cleaned.samples, audio.sample_rate)
    download = save_cleaned(name, cleaned, settings.output_format, folder)
    original_wav = save_audio(folder / "original.wav", _playable(audio), format="wav16")
    cleaned_wav = save_audio(folder / "cleaned.wav", _playable(cleaned), format="wav16")
    return {
        "state": "done",
        "id": folder.name,
        "name": name,
        "seconds": audio.duration,
        "sample_rate": audio.sample_rate,
        "channels": min(audio.channels, MAX_PLAYED_CHANNELS),
        "file_channels": audio.channels,
        "coding": audio.container,
        "original": player.file_of(original_wav),
        "cleaned": player.file_of(cleaned_wav),
        "download": player.file_of(download),
        "peaks": {
            "original": waveform_peaks(audio.samples),
            "cleaned": waveform_peaks(cleaned.samples),
        },
        "facts": facts_of(denoiser, job)
        | {"noise_reduction_db": reduction, "noise_reduction_limit_db": MAX_REDUCTION_DB},
        "spectrograms": None,
        "scores": None,
    }


def _spectrograms(audio: Audio, cleaned: Audio, folder: Path) -> dict:
    pair = save_spectrograms(audio.samples, cleaned.samples, audio.sample_rate, folder)
    return {
        "spectrograms": {
            "original": player.file_of(pair.original),
            "cleaned": player.file_of(pair.cleaned),
            "seconds": pair.seconds,
            "top_hz": pair.top_hz,
            "range_db": DYNAMIC_RANGE,
        }
    }


def _scores(audio: Audio, cleaned: Audio, folder: Path) -> dict:
    try:
        return {"scores": dnsmos_of_both(audio, cleaned)}
    except Exception as error:
        # The sound is there and good; a score that fails must not take it away.
        return {"scores": {"error": sentence(error)}}


def save_cleaned(name: str, cleaned: Audio, output_format: str, folder: Path) -> Path:
    """Write the download: talk.wav becomes talk_denoised.wav, in the format that was asked for."""
    original = Path(name)
    target = folder / f"{original.stem}_denoised{original.suffix}"
    return save_audio(target, cleaned, format=output_format)


def facts_of(denoiser: Denoiser, job: Job) -> dict:
    """How long it took, and on what."""
    return {
        "seconds_taken": round(job.seconds, 4),
        "real_time_factor": round(job.seconds / job.audio.duration, 4),
        "device": denoiser.device,
        "precision": denoiser.precision,
        "weights": denoiser.entry.name,
        "licence": denoiser.entry.licence,
    }


def _playable(audio: Audio) -> Audio:
    """At most two channels for the player's loudspeakers; more are averaged into one."""
    return audio if audio.channels <= MAX_PLAYED_CHANNELS else to_mono(audio)


def _new_folder() -> Path:
    """A folder that Gradio serves from and clears, with a name that nobody can guess."""
    folder = Path(get_upload_folder()) / secrets.token_hex(16)
    folder.mkdir(parents=True)
    return folder


# The endpoint for programs


def _build_endpoint(options: WebOptions, engine: Engine) -> None:
    """POST /denoise: the same cleaning without the page. docs/api.md shows how it is called."""

    @guarded
    def denoise(
        audio: str,
        strength: float = 1.0,
        weights: str = "auto",
        output_format: str = "same",
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (Gradio reads the default)
    ) -> tuple[str, dict]:
        """Remove the noise from a recording.

        Returns the cleaned file, as long and as loud as the recording, and how it was made.
        """
        if audio is None:
            raise AudioError("No sound was sent: upload a file and name it as audio.")
        sound = load_audio(audio, max_seconds=options.max_seconds)
        settings = Settings(strength, weights, output_format)
        job = engine.submit(sound, settings.strength, settings.weights)
        while not job.wait(POLL_SECONDS):
            progress(job.fraction, desc="queued" if engine.ahead_of(job) else "cleaning")
        cleaned = job.result()
        file = save_cleaned(Path(audio).name, cleaned, settings.output_format, _new_folder())
        facts = facts_of(engine.get(weights), job)
        return str(file), {
            "seconds": round(sound.duration, 4),
            "sample_rate": sound.sample_rate,
            "channels": sound.channels,
            **facts,
        }

    with gr.Row(visible=False):
        fields = [
            gr.Audio(type="filepath", label="recording"),
            gr.Number(1.0, label="strength, 0 (untouched) to 1"),
            gr.Textbox("auto", label="weights: a name, or auto"),
            gr.Textbox("same", label=f"format: {', '.join(FORMATS)}"),
        ]
        outputs = [gr.File(label="cleaned"), gr.JSON(label="facts")]
        gr.Button().click(
            denoise,
            fields,
            outputs,
            api_name="denoise",
            concurrency_limit=REQUESTS_AT_ONCE,
            concurrency_id="denoise",
        )
