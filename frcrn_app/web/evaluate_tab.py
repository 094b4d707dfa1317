"""The second tab: labelled pairs go in, a report that people can trust comes out.

Handlers carry values between the page, the job that scores (`evaluate_job`) and the files that are
served. What the server writes itself is in the language that `language` tells: a component without
a face, whose label Gradio translates to "en" or "zh".
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.context import Context

from frcrn_app.audio import AUDIO_SUFFIXES, Audio, save_audio
from frcrn_app.errors import Cancelled, UserError
from frcrn_app.evaluation import NOISY
from frcrn_app.evaluation.worker import load_scored
from frcrn_app.i18n.chinese import sentences_in
from frcrn_app.metrics import METRICS, SAMPLE_RATE
from frcrn_app.report import as_json, fragments, write_reports
from frcrn_app.report.texts import WORDS as REPORT_WORDS
from frcrn_app.web import figures
from frcrn_app.web.evaluate_job import EvaluationJob, Pages, Settings, TestSet
from frcrn_app.web.evaluate_plots import distribution_figure, gain_figure, group_figure
from frcrn_app.web.faults import guarded, sentence
from frcrn_app.web.player import file_of
from frcrn_app.web.texts_evaluate import WORDS, text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from pandas.io.formats.style import Styler

    from frcrn_app.evaluation import Evaluation, Row
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.options import WebOptions

POLL_SECONDS = 0.25  # between two looks at a job's progress
REQUESTS_AT_ONCE = 16  # that may wait for their turn; more wait in Gradio's queue

METRIC_CHOICES = [
    (METRICS[key].title, key) for key in ("pesq_wb", "pesq_nb", "stoi", "estoi", "si_sdr", "lsd")
] + [("DNSMOS", "dnsmos")]

_ASSETS = Path(__file__).parent / "assets"
_TELL_LANGUAGE = """
const tell = () => {
  const language = props.label === "zh" ? "zh" : "en";
  if (props.value === language) return;
  props.value = language;
  trigger("switched");
};
watch("label", tell);
tell();
"""
_GAIN_STRENGTH = 0.28  # of the colour behind the largest gain
_BETTER, _WORSE = "11, 125, 119", "179, 38, 30"  # red, green, blue


def build_evaluate_tab(options: WebOptions, engine: Engine) -> None:
    """Lay the tab out and connect it; called inside a `gr.Tab`."""
    _Tab(options, engine)
    _build_endpoint(options, engine)


class _Tab:
    """The components of the tab, and what they do."""

    def __init__(self, options: WebOptions, engine: Engine):
        self.options, self.engine = options, engine
        self.pages = Pages()
        css = (_ASSETS / "evaluate.css").read_text(encoding="utf-8")
        gr.HTML(f"<style>{css}</style>", elem_classes="fr-silent")
        self.language = gr.HTML(
            "",
            label=text("language"),
            html_template="",
            js_on_load=_TELL_LANGUAGE,
            apply_default_css=False,
            elem_classes="fr-silent",
        )
        with gr.Row(elem_classes="fr-columns fr-evaluate"):
            with gr.Column(elem_classes="fr-left"):
                with gr.Column(elem_classes="fr-card"):
                    self._lay_out_source()
                with gr.Column(elem_classes="fr-card"):
                    self._lay_out_settings()
            with gr.Column(elem_classes="fr-right"):
                self._lay_out_result()
        self._connect()

    # ---- layout --------------------------------------------------------------------------------

    def _lay_out_source(self) -> None:
        names = ["examples", "zip", "files", "manifest"]
        names += ["folders"] if self.options.local_folders else []
        gr.HTML(text("source_title"))
        self.source = gr.Radio(
            [(text(f"source_{name}"), name) for name in names],
            value="examples",
            label=text("source"),
            show_label=False,
            elem_id="evaluate-source",
            elem_classes="fr-choices",
        )
        self.groups = {}
        sounds = sorted(AUDIO_SUFFIXES)
        for name in names:
            with gr.Group(visible=name == "examples", elem_classes="fr-source") as group:
                gr.HTML(text(f"{name}_hint"))
                if name == "zip":
                    self.archive = _upload("zip", [".zip"], many=False)
                elif name == "files":
                    self.noisy = _upload("noisy_files", sounds)
                    self.clean = _upload("clean_files", sounds)
                    self.system = _upload("system_files", sounds)
                    self.system_name = gr.Textbox(
                        "other", label=text("system_name"), elem_id="evaluate-system-name"
                    )
                elif name == "manifest":
                    self.manifest = _upload("manifest", [".csv"], many=False)
                    self.manifest_sounds = _upload("manifest_sounds", sounds)
                elif name == "folders":
                    self.folders = [
                        gr.Textbox(
                            label=text(key),
                            elem_id=f"evaluate-{key.replace('_', '-')}",
                            lines=2 if key == "system_folders" else 1,
                        )
                        for key in ("noisy_folder", "clean_folder", "system_folders")
                    ]
            self.groups[name] = group
        if "folders" not in names:
            self.folders = [gr.Textbox(visible=False) for _ in range(3)]

    def _lay_out_settings(self) -> None:
        gr.HTML(text("settings_title"))
        self.denoise = gr.Checkbox(True, label=text("denoise"), elem_id="evaluate-denoise")
        self.weights = gr.Dropdown(
            self._weight_choices(),
            value="auto",
            label=text("weights"),
            filterable=False,
            elem_id="evaluate-weights",
        )
        self.metrics = gr.CheckboxGroup(
            METRIC_CHOICES,
            value=[key for _, key in METRIC_CHOICES],
            label=text("metrics"),
            elem_id="evaluate-metrics",
            elem_classes="fr-choices",
        )
        self.align = gr.Checkbox(
            False, label=text("align"), info=text("align_info"), elem_id="evaluate-align"
        )
        self.run = gr.Button(text("run"), variant="primary", elem_id="evaluate-run")
        self.stop = gr.Button(text("stop"), visible=False, elem_id="evaluate-stop")

    def _lay_out_result(self) -> None:
        with gr.Column(elem_classes="fr-card", elem_id="evaluate-status-card"):
            self.status = gr.HTML("", elem_id="evaluate-status", apply_default_css=False)
            with gr.Row(visible=False, elem_classes="fr-downloads") as self.downloads:
                self.files = {
                    kind: gr.DownloadButton(
                        text(kind),
                        size="sm",
                        variant="primary" if kind == "html" else "secondary",
                        elem_id=f"evaluate-{kind}",
                    )
                    for kind in ("html", "csv", "json")
                }
            self.overview = gr.HTML("", elem_classes="fr-report", apply_default_css=False)
        with gr.Column(visible=False, elem_classes="fr-results") as self.results:
            with gr.Column(elem_classes="fr-card"):
                gr.HTML(text("files_title"))
                self.shown_system = gr.Radio(
                    [],
                    label=text("scores_of"),
                    elem_id="evaluate-system",
                    elem_classes="fr-choices",
                )
                self.table = gr.Dataframe(
                    label=text("table"),
                    show_label=False,
                    interactive=False,
                    show_search="search",
                    pinned_columns=1,
                    max_height=420,
                    buttons=["fullscreen", "copy"],
                    elem_id="evaluate-table",
                )
                self.row = gr.HTML(
                    None,
                    html_template='<section class="fr-listen"></section>',
                    js_on_load=(_ASSETS / "listen.js").read_text(encoding="utf-8"),
                    apply_default_css=False,
                    elem_id="evaluate-row",
                )
            with gr.Column(elem_classes="fr-card"):
                gr.HTML(text("pictures_title"))
                with gr.Row(elem_classes="fr-choosers"):
                    self.metric = gr.Dropdown(
                        [], label=text("metric"), filterable=False, elem_id="evaluate-metric"
                    )
                    self.grouping = gr.Dropdown(
                        [], label=text("grouping"), filterable=False, elem_id="evaluate-grouping"
                    )
                self.distribution, _ = _plot("distribution")
                self.gain, self.gain_card = _plot("gain")
                self.group, self.group_card = _plot("group")
                with self.group_card:
                    self.group_numbers = gr.HTML(
                        "", elem_classes="fr-report", apply_default_css=False
                    )
            with gr.Column(elem_classes="fr-card"):
                self.more = {
                    key: _fold(key) for key in ("side_by_side", "what_metrics_are", "how_measured")
                }

    def _connect(self) -> None:
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        view = [self.language, self.metric, self.grouping, self.shown_system]
        self.source.change(
            lambda source: [gr.update(visible=name == source) for name in self.groups],
            self.source,
            list(self.groups.values()),
            queue=False,
            **quiet,
        )
        self.run.click(
            self._run,
            [
                self.source,
                self.archive,
                self.noisy,
                self.clean,
                self.system,
                self.system_name,
                self.manifest,
                self.manifest_sounds,
                *self.folders,
                self.denoise,
                self.weights,
                self.metrics,
                self.align,
                self.language,
            ],
            [self.run, self.stop, *self._outputs()],
            trigger_mode="once",
            concurrency_limit=REQUESTS_AT_ONCE,
            concurrency_id="evaluate",
            **quiet,
        )
        self.stop.click(self._stop, queue=False, **quiet)
        self.language.switched(self._redraw, view, self._outputs(), queue=False, **quiet)
        for chooser in (self.metric, self.grouping):
            chooser.input(self._draw, view, self._picture_outputs(), **quiet)
        self.shown_system.input(self._show_scores, view, self.table, **quiet)
        self.table.select(self._open_row, [self.language], self.row, **quiet)
        page = Context.root_block
        # At the start the component without a face may speak before anyone listens.
        page.load(
            self._redraw,
            view,
            self._outputs(),
            js="(language, ...rest) => [window.frcrnPage?.language ?? 'en', ...rest]",
            queue=False,
            **quiet,
        )
        page.load(
            lambda: gr.update(choices=self._weight_choices()),
            outputs=self.weights,
            queue=False,
            **quiet,
        )
        page.unload(self._leave)

    def _weight_choices(self) -> list[tuple[str, str]]:
        """The weights that are here; the first tab is where others are fetched."""
        try:
            entries, at_work = self.engine.weights(), self.engine.at_work()
        except UserError:  # shown where the weights are used
            entries, at_work = [], None
        automatic = f"{text('automatic')} · {at_work.name if at_work else '–'}"
        return [(automatic, "auto")] + [(e.title, e.name) for e in entries if e.present]

    def _outputs(self) -> list[gr.blocks.Block]:
        """All that shows a result."""
        return [
            self.status, self.downloads, *self.files.values(), self.overview, self.results,
            self.metric, self.grouping, self.shown_system, self.table, self.row,
            *self._picture_outputs(), *self.more.values(),
        ]  # fmt: skip

    def _picture_outputs(self) -> list[gr.blocks.Block]:
        return [
            self.distribution,
            self.gain,
            self.gain_card,
            self.group,
            self.group_card,
            self.group_numbers,
        ]

    # ---- what happens --------------------------------------------------------------------------

    def _run(
        self,
        source: str,
        archive: str | None,
        noisy: list[str] | None,
        clean: list[str] | None,
        system: list[str] | None,
        system_name: str,
        manifest: str | None,
        manifest_sounds: list[str] | None,
        noisy_folder: str,
        clean_folder: str,
        system_folders: str,
        denoise: bool,
        weights: str,
        metrics: list[str],
        align: bool,
        language: str,
        request: gr.Request,
    ) -> Iterator[dict]:
        """Values while an evaluation runs, then its result."""
        test_set = TestSet(
            source=source,
            archive=archive,
            noisy=noisy or [],
            clean=clean or [],
            system=system or [],
            system_name=system_name,
            manifest=manifest,
            manifest_sounds=manifest_sounds or [],
            noisy_folder=noisy_folder or "",
            clean_folder=clean_folder or "",
            system_folders=system_folders or "",
        )
        words = _words(language)
        running = {self.run: gr.update(interactive=False), self.stop: gr.update(visible=True)}
        idle = {self.run: gr.update(interactive=True), self.stop: gr.update(visible=False)}
        job = None
        try:
            settings = Settings(denoise, weights, tuple(metrics), align)
            job = EvaluationJob(self.options, self.engine, test_set, settings)
            self.pages.begin(request.session_hash, job)
            yield running | self._cleared() | {self.status: _working(job, words)}
            while not job.wait(POLL_SECONDS):
                yield {self.status: _working(job, words)}
            job.check()
            yield idle | self._result(job, language)
        except Cancelled:
            yield idle | self._cleared() | {self.status: _empty(words)}
        except Exception as error:
            message = sentence(error, _known(language))
            yield idle | self._cleared() | {self.status: _failed(message, words)}
        finally:
            if job is not None:
                job.cancel()  # if the page was closed meanwhile

    def _stop(self, request: gr.Request) -> None:
        job = self.pages.get(request.session_hash)
        if job is not None:
            job.cancel()

    def _leave(self, request: gr.Request) -> None:
        self.pages.end(request.session_hash)

    def _redraw(
        self, language: str, metric: str, grouping: str, system: str, request: gr.Request
    ) -> dict:
        """Everything again, in the language that the page has been switched to."""
        words = _words(language)
        job = self.pages.get(request.session_hash)
        if job is None:
            return {self.status: _empty(words)}
        if job.evaluation is None:
            return {self.status: _working(job, words)}
        return self._result(job, language, metric, grouping, system)

    def _draw(
        self, language: str, metric: str, grouping: str, system: str, request: gr.Request
    ) -> dict:
        """The pictures of another metric or grouping."""
        job = self.pages.result(request.session_hash)
        if job is None:
            raise gr.Error(_words(language)["gone"])
        return self._pictures(job, language, metric, grouping)

    def _show_scores(
        self, language: str, metric: str, grouping: str, system: str, request: gr.Request
    ) -> dict:
        """The table of another system."""
        job = self.pages.result(request.session_hash)
        if job is None:
            raise gr.Error(_words(language)["gone"])
        return self._table(job.evaluation, system, language)

    def _open_row(self, event: gr.SelectData, language: str, request: gr.Request) -> dict | None:
        """The sounds of the row that was chosen, however the table is sorted."""
        job = self.pages.result(request.session_hash)
        if job is None:
            raise gr.Error(_words(language)["gone"])
        name = event.row_value[0]
        row = next((row for row in job.evaluation.rows if row.name == name), None)
        return None if row is None else guarded(_sounds)(job, row, language)

    # ---- what is shown -------------------------------------------------------------------------

    def _cleared(self) -> dict:
        return {
            self.downloads: gr.update(visible=False),
            self.results: gr.update(visible=False),
            self.overview: "",
            self.row: None,
        }

    def _result(
        self,
        job: EvaluationJob,
        language: str,
        metric: str | None = None,
        grouping: str | None = None,
        system: str | None = None,
    ) -> dict:
        evaluation, summary = job.evaluation, job.summary
        words, report_words = _words(language), REPORT_WORDS[_known(language)]
        metrics = [*fragments.headline_metrics(evaluation.metrics)]
        metrics += [key for key in evaluation.metrics if key not in metrics]
        metric = metric if metric in metrics else metrics[0]
        grouping = grouping if grouping in summary.groups else next(iter(summary.groups), None)
        others = [s for s in evaluation.systems if s != NOISY]
        if system not in evaluation.systems:
            system = evaluation.own_system or (others[0] if others else NOISY)
        paths = _write_reports(job, language)
        problems = fragments.problem_tables(evaluation, report_words)
        if problems:
            problems = f"<h4>{report_words['not_scored']}</h4>{problems}"
        overview = [
            fragments.warnings(evaluation, report_words),
            fragments.tiles(evaluation, summary, report_words),
            fragments.summary_table(evaluation, summary, report_words),
            f'<p class="note">{escape(fragments.summary_note(report_words))}</p>',
            problems,
        ]
        comparison = fragments.comparison_table(summary, report_words)
        if comparison:
            note = escape(fragments.comparison_note(summary, report_words))
            comparison = f'<p class="note">{note}</p>{comparison}'
        return {
            self.status: _done(job, words),
            self.downloads: gr.update(visible=True),
            self.results: gr.update(visible=True),
            self.overview: "".join(overview),
            self.metric: gr.update(
                choices=[(METRICS[key].title, key) for key in metrics], value=metric
            ),
            self.grouping: gr.update(
                choices=[(report_words[f"by_{name}"], name) for name in summary.groups],
                value=grouping,
                visible=bool(summary.groups),
            ),
            self.shown_system: gr.update(
                choices=[*others, NOISY], value=system, visible=bool(others)
            ),
            self.row: None,
            self.more["side_by_side"]: comparison,
            self.more["what_metrics_are"]: fragments.metric_table(evaluation.metrics, report_words),
            self.more["how_measured"]: (
                f'<p class="method">'
                f"{escape(fragments.method(evaluation, summary, report_words))}</p>"
                + fragments.provenance_table(evaluation, summary, report_words)
            ),
            **{self.files[kind]: str(path) for kind, path in paths.items()},
            **self._table(evaluation, system, language),
            **self._pictures(job, language, metric, grouping),
        }

    def _table(self, evaluation: Evaluation, system: str, language: str) -> dict:
        styler, types = score_table(evaluation, system, language)
        return {self.table: gr.update(value=styler, datatype=types)}

    def _pictures(
        self, job: EvaluationJob, language: str, metric: str, grouping: str | None
    ) -> dict:
        evaluation, summary, words = job.evaluation, job.summary, _words(language)
        groups = summary.groups.get(grouping, ())
        has_gain = len(evaluation.systems) > 1 and any(
            math.isfinite(row.input_snr) for row in evaluation.rows
        )
        values = {
            self.distribution: distribution_figure(evaluation, metric),
            self.gain_card: gr.update(visible=has_gain),
            self.group_card: gr.update(visible=bool(groups)),
        }
        if has_gain:
            values[self.gain] = gain_figure(evaluation, metric, words)
        if groups:
            known = _known(language)
            values[self.group] = group_figure(evaluation, summary, grouping, metric, known)
            values[self.group_numbers] = fragments.group_table(
                evaluation, summary, grouping, REPORT_WORDS[known], [metric]
            )
        return values


def _upload(key: str, suffixes: list[str], *, many: bool = True) -> gr.File:
    return gr.File(
        label=text(key),
        file_count="multiple" if many else "single",
        file_types=suffixes,
        type="filepath",
        height=110,
        elem_id=f"evaluate-{key.replace('_', '-')}",
        elem_classes="fr-upload",
    )


def _plot(name: str) -> tuple[gr.Plot, gr.Column]:
    """A plot under its title, and what holds both."""
    with gr.Column(elem_classes="fr-figure-card") as card:
        gr.HTML(text(f"{name}_title"))
        plot = gr.Plot(show_label=False, elem_id=f"evaluate-{name}", elem_classes="fr-plot")
    return plot, card


def _fold(key: str) -> gr.HTML:
    with gr.Accordion(text(key), open=False, elem_classes="fr-details"):
        return gr.HTML("", elem_classes="fr-report", apply_default_css=False)


def _known(language: str) -> str:
    return language if language in WORDS else "en"


def _words(language: str) -> dict:
    return WORDS[_known(language)]


def _empty(words: dict) -> str:
    steps = "".join(f"<li>{words[f'empty_{number}']}</li>" for number in (1, 2, 3))
    return f'<div class="fr-empty-evaluation"><h3>{words["empty_title"]}</h3><ol>{steps}</ol></div>'


def _working(job: EvaluationJob, words: dict) -> str:
    fraction = job.done / job.total if job.total else 0.0
    phase = words["stopping" if job.is_cancelled else job.phase]
    left = ""
    if job.phase == "running" and job.seconds_left is not None and not job.is_cancelled:
        left = words["left"].format(time=_duration(job.seconds_left, words))
    percent = f"{100 * fraction:.0f}"
    return (
        f'<div class="fr-progress" role="status"><p><b>{phase}</b>'
        f"<span>{words['done_of'].format(percent=percent)}</span><span>{left}</span></p>"
        f'<div class="fr-meter" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><i style="width:{percent}%"></i></div></div>'
    )


def _done(job: EvaluationJob, words: dict) -> str:
    evaluation = job.evaluation
    title = words["result"].format(n=len(evaluation.rows))
    return (
        f'<div class="fr-evaluated"><h3>{title}</h3>'
        f"<p>{escape(', '.join(evaluation.systems))} · {_duration(evaluation.elapsed, words)}</p>"
        "</div>"
    )


def _failed(message: str, words: dict) -> str:
    return (
        f'<div class="fr-failed" role="alert"><div><h3>{words["failed"]}</h3>'
        f"<p>{escape(message)}</p></div></div>"
    )


def _duration(seconds: float, words: dict) -> str:
    if seconds < 60:
        return words["seconds"].format(s=f"{seconds:.0f}" if seconds >= 1 else "1")
    return words["minutes"].format(m=int(seconds // 60), s=f"{seconds % 60:.0f}")


def score_table(evaluation: Evaluation, system: str, language: str) -> tuple[Styler, list[str]]:
    """One system's scores and gains, a line a file, gains coloured; and the columns' types."""
    import pandas as pd

    rows, words = evaluation.rows, _words(language)
    columns: dict[str, Any] = {words["file"]: [row.name for row in rows]}
    formats: dict[str, str] = {}
    types = ["str"]

    def add(title: str, values: Any, kind: str = "number", form: str = "") -> None:
        columns[title] = values
        types.append(kind)
        if form:
            formats[title] = form

    if any(row.group for row in rows):
        add(words["group"], [row.group or "" for row in rows], "str")
    add(words["seconds_head"], [row.duration for row in rows], form="{:.1f}")
    if any(math.isfinite(row.input_snr) for row in rows):
        add(words["snr_head"], [row.input_snr for row in rows], form="{:.1f}")
    gains = {}
    for key in evaluation.metrics:
        metric = METRICS[key]
        form = f"{{:.{metric.decimals}f}}"
        add(metric.title, evaluation.values(system, key), form=form)
        if system != NOISY:
            title = f"Δ {metric.title}"
            add(title, evaluation.gains(system, key), form=form.replace(":", ":+"))
            gains[title] = metric.higher_is_better
    if any(row.problems for row in rows):
        say = sentences_in(language)
        add(words["problems_head"], [row.problems_in(say) for row in rows], "str")
    frame = pd.DataFrame(columns)
    styler = frame.style.format(formats, na_rep="–")
    for title, higher_is_better in gains.items():
        styler = styler.apply(_gain_colours, subset=[title], higher_is_better=higher_is_better)
    return styler, types


def _gain_colours(gains: pd.Series, higher_is_better: bool) -> list[str]:
    """Backgrounds, the stronger the larger the gain or loss within its column."""
    largest = gains.abs().max()
    styles = []
    for gain in gains:
        if not math.isfinite(gain) or not largest > 0:
            styles.append("")
            continue
        colour = _BETTER if (gain > 0) == higher_is_better else _WORSE
        alpha = _GAIN_STRENGTH * abs(gain) / largest
        styles.append(f"background-color: rgba({colour}, {alpha:.3f})")
    return styles


def _write_reports(job: EvaluationJob, language: str) -> dict[str, Path]:
    folder = job.folder / "reports" / _known(language)
    stem = f"evaluation-{time.strftime('%Y%m%d-%H%M')}"
    paths = {kind: folder / f"{stem}.{kind}" for kind in ("csv", "json", "html")}
    write_reports(job.evaluation, job.summary, **paths, language=_known(language))
    return paths


def _sounds(job: EvaluationJob, row: Row, language: str) -> dict:
    """The value of the component that plays a row: its sounds as they are scored."""
    evaluation, words, say = job.evaluation, _words(language), sentences_in(language)
    paths = {NOISY: row.pair.noisy, **row.pair.systems}
    if row.enhanced is not None:
        paths[evaluation.own_system] = row.enhanced
    order = [system for system in evaluation.systems if system in paths]
    sounds = {}
    for system in order:
        sounds[system] = load_scored(paths[system])
    if row.pair.clean is not None:
        sounds["clean"] = load_scored(row.pair.clean)
    folder = job.folder / "rows" / f"{evaluation.rows.index(row):05d}"
    pictures = _save_spectrograms(sounds, folder)
    shown = fragments.headline_metrics(evaluation.metrics)
    colours = fragments.system_colours(evaluation.systems)
    values = []
    for number, (name, samples) in enumerate(sounds.items()):
        path = folder / f"{number}.wav"
        save_audio(path, Audio(samples, SAMPLE_RATE), format="wav16")
        scores = row.sounds[name].scores if name in row.sounds else {}
        facts = [
            f"{METRICS[key].title} {scores[key]:.{METRICS[key].decimals}f}"
            for key in shown
            if math.isfinite(scores.get(key, math.nan))
        ]
        values.append(
            {
                "name": words["clean"] if name == "clean" else name,
                "role": name if name in ("clean", NOISY) else "system",
                "colour": colours.get(name, ""),
                "facts": " · ".join(facts),
                "problems": row.sounds[name].problems_in(say) if name in row.sounds else "",
                "audio": file_of(path),
                "picture": file_of(pictures[name]),
            }
        )
    return {
        "name": row.name,
        "seconds": row.duration,
        "top_hz": SAMPLE_RATE / 2,
        "note": words["as_scored"].format(range=f"{figures.DYNAMIC_RANGE:.0f}"),
        "play": words["play"],
        "pause": words["pause"],
        "sounds": values,
    }


def _save_spectrograms(sounds: dict[str, np.ndarray], folder: Path) -> dict[str, Path]:
    """Pictures of sounds [samples] at 16 kHz, all on one scale."""
    folder.mkdir(parents=True, exist_ok=True)
    powers = {
        name: figures._spectrogram(samples[None], SAMPLE_RATE) for name, samples in sounds.items()
    }
    loudest = max(float(power.max()) for power in powers.values())
    top = max(10 * math.log10(loudest), -100.0) if loudest > 0 else -100.0
    paths = {}
    for number, (name, power) in enumerate(powers.items()):
        paths[name] = folder / f"{number}.png"
        figures._picture(power, top).save(paths[name])
    return paths


# ---- the endpoint for programs -----------------------------------------------------------------


def _build_endpoint(options: WebOptions, engine: Engine) -> None:
    """POST /evaluate: the same evaluation without the page. docs/api.md shows how it is called."""

    @guarded
    def evaluate(
        archive: str | None = None,
        noisy: list[str] | None = None,
        clean: list[str] | None = None,
        system: list[str] | None = None,
        system_name: str = "other",
        manifest: str | None = None,
        denoise: bool = True,
        weights: str = "auto",
        metrics: str = "all",
        align: bool = False,
        language: str = "en",
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[dict, str, str, str]:
        """Score noisy sounds, and what systems made of them, against the clean ones.

        Give a zip archive; or noisy files with clean ones, and those of a system; or a CSV file
        with the files that it names as `noisy`. With none of them, the examples are scored.
        Returns everything as JSON, then the CSV, JSON and HTML files.
        """
        source = "manifest" if manifest else "zip" if archive else "files" if noisy else "examples"
        test_set = TestSet(
            source=source,
            archive=archive,
            noisy=noisy or [],
            clean=clean or [],
            system=system or [],
            system_name=system_name,
            manifest=manifest,
            manifest_sounds=[*(noisy or []), *(clean or []), *(system or [])],
        )
        wanted = tuple(part for part in metrics.split(",") if part.strip())
        job = EvaluationJob(options, engine, test_set, Settings(denoise, weights, wanted, align))
        try:
            while not job.wait(POLL_SECONDS):
                fraction = job.done / job.total if job.total else 0.0
                progress(fraction, desc=WORDS["en"][job.phase])
            job.check()
        finally:
            job.cancel()  # if the caller has gone
        job.discard_sounds()
        paths = _write_reports(job, language)
        content = as_json(job.evaluation, job.summary)
        return content, str(paths["csv"]), str(paths["json"]), str(paths["html"])

    with gr.Row(visible=False):
        fields = [
            gr.File(label="zip archive with noisy/, clean/ and folders of other systems"),
            gr.File(label="noisy files", file_count="multiple"),
            gr.File(label="clean files", file_count="multiple"),
            gr.File(label="files that a system made of the noisy ones", file_count="multiple"),
            gr.Textbox("other", label="name of that system"),
            gr.File(label="CSV file with columns noisy, clean, group, and one for each system"),
            gr.Checkbox(True, label="clean the noisy files here, and score that too"),
            gr.Textbox("auto", label="weights: a name, or auto"),
            gr.Textbox("all", label="metrics, separated by commas, or all"),
            gr.Checkbox(False, label="shift sounds by up to 100 ms onto the clean ones"),
            gr.Textbox("en", label="language of the HTML report: en or zh"),
        ]
        outputs = [
            gr.JSON(label="result"),
            gr.File(label="CSV"),
            gr.File(label="JSON"),
            gr.File(label="HTML"),
        ]
        gr.Button().click(
            evaluate,
            fields,
            outputs,
            api_name="evaluate",
            concurrency_limit=REQUESTS_AT_ONCE,
            concurrency_id="evaluate",
        )
