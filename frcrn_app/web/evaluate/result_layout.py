"""The cards that show a result; what fills them is in `shown`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from frcrn_app.web.evaluate.job import REPORTS
from frcrn_app.web.listen import build_panel
from frcrn_app.web.static_files import mount_module
from frcrn_app.web.texts import text


@dataclass(frozen=True)
class ResultCards:
    """All that shows a result."""

    status: gr.HTML
    downloads: gr.Row
    files: dict[str, gr.DownloadButton]  # by the keys of REPORTS
    overview: gr.HTML
    results: gr.Column  # holds what follows
    system: gr.Radio  # whose scores the table shows
    table: gr.Dataframe
    row: gr.HTML  # plays the versions of one row
    metric: gr.Dropdown  # of the pictures
    grouping: gr.Dropdown
    distribution: gr.HTML
    gain: gr.HTML
    gain_card: gr.Column
    group: gr.HTML
    group_card: gr.Column
    group_numbers: gr.HTML
    listening: gr.HTML  # makes a listening test, and follows it
    more: dict[str, gr.HTML]  # what is folded away, by the key of its title

    @property
    def pictures(self) -> list[Block]:
        return [
            self.distribution, self.gain, self.gain_card, self.group, self.group_card,
            self.group_numbers,
        ]  # fmt: skip

    @property
    def outputs(self) -> list[Block]:
        return [
            self.status, self.downloads, *self.files.values(), self.overview, self.results,
            self.system, self.table, self.row, self.metric, self.grouping, *self.pictures,
            self.listening, *self.more.values(),
        ]  # fmt: skip


def build_results() -> ResultCards:
    """The cards with the result, empty."""
    parts: dict[str, Any] = {}
    with gr.Column(elem_classes="fr-card", elem_id="evaluate-status-card"):
        parts["status"] = gr.HTML("", elem_id="evaluate-status", apply_default_css=False)
        with gr.Row(visible=False, elem_classes="fr-downloads") as parts["downloads"]:
            parts["files"] = {kind: _download(kind) for kind in REPORTS}
        parts["overview"] = _report_part()
    with gr.Column(visible=False, elem_classes="fr-results") as parts["results"]:
        with gr.Column(elem_classes="fr-card"):
            parts |= _file_parts()
        with gr.Column(elem_classes="fr-card"):
            parts |= _picture_parts()
        with gr.Column(elem_classes="fr-card"):
            gr.HTML(text("evaluate.listening_title"))
            parts["listening"] = build_panel()
        with gr.Column(elem_classes="fr-card"):
            titles = ("side_by_side", "what_metrics_are", "how_measured")
            parts["more"] = {title: _fold(title) for title in titles}
    return ResultCards(**parts)


def _file_parts() -> dict[str, Component]:
    gr.HTML(text("evaluate.files_title"))
    system = gr.Radio(
        [],
        label=text("evaluate.scores_of"),
        elem_id="evaluate-system",
        elem_classes="fr-choices",
    )
    table = gr.Dataframe(
        label=text("evaluate.table"),
        show_label=False,
        interactive=False,
        pinned_columns=1,
        max_height=420,
        buttons=["fullscreen", "copy"],
        elem_id="evaluate-table",
    )
    row = gr.HTML(
        None,
        html_template='<section class="fr-listen"></section>',
        js_on_load=mount_module("evaluate/listen.js"),
        apply_default_css=False,
        elem_id="evaluate-row",
    )
    return {"system": system, "table": table, "row": row}


def _picture_parts() -> dict[str, Block]:
    gr.HTML(text("evaluate.pictures_title"))
    with gr.Row(elem_classes="fr-choosers"):
        choosers = {
            name: gr.Dropdown(
                [], label=text(f"evaluate.{name}"), filterable=False, elem_id=f"evaluate-{name}"
            )
            for name in ("metric", "grouping")
        }
    parts: dict[str, Block] = dict(choosers)
    for name in ("distribution", "gain", "group"):
        with gr.Column(elem_classes="fr-figure-card") as card:
            parts[name] = gr.HTML(
                "",
                elem_id=f"evaluate-{name}",
                elem_classes="fr-report fr-plot",
                apply_default_css=False,
            )
            if name == "group":
                parts["group_numbers"] = _report_part()
        if name != "distribution":
            parts[f"{name}_card"] = card
    return parts


def _report_part() -> gr.HTML:
    return gr.HTML("", elem_classes="fr-report", apply_default_css=False)


def _fold(key: str) -> gr.HTML:
    with gr.Accordion(text(f"evaluate.{key}"), open=False, elem_classes="fr-details"):
        return _report_part()


def _download(kind: str) -> gr.DownloadButton:
    label: Any = text(f"evaluate.{kind}")  # Gradio translates any label, whatever its types say
    return gr.DownloadButton(
        label,
        size="sm",
        variant="primary" if kind == "html" else "secondary",
        elem_id=f"evaluate-{kind}",
    )
