"""What a visitor gives and chooses, card by card; what it does is in `tab`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from frcrn_app.audio import AUDIO_SUFFIXES
from frcrn_app.metrics import METRICS, metric_keys
from frcrn_app.web.denoise.weights_menu import empty_menu
from frcrn_app.web.evaluate.job import Settings
from frcrn_app.web.evaluate.test_set import TestSet
from frcrn_app.web.texts import text

Values = dict[Any, Any]  # of components, as Gradio hands them to a handler that asks for a set
Choices = list[tuple[str, str]]

# What the page offers as one choice, though it gives several scores.
_GROUPED = {"dnsmos": "DNSMOS", "composite": "CSIG, CBAK, COVL, SegSNR"}


def metric_choices() -> Choices:
    """Titles and names of the metrics that can be scored here."""
    grouped = set(metric_keys(_GROUPED))
    single = [(METRICS[key].title, key) for key in metric_keys(["all"]) if key not in grouped]
    return single + [(title, name) for name, title in _GROUPED.items()]


@dataclass(frozen=True)
class SourceCard:
    """Where the pairs come from; one group of fields for each source."""

    source: gr.Radio
    groups: dict[str, gr.Group]
    fields: dict[str, Component]  # by field of TestSet

    @property
    def inputs(self) -> set[Component]:
        return {self.source, *self.fields.values()}

    def test_set(self, values: Values) -> TestSet:
        """What the visitor has given."""
        given = {name: values[field] for name, field in self.fields.items()}
        return TestSet(
            source=values[self.source],
            **{name: value for name, value in given.items() if value is not None},
        )


def build_source(local_folders: bool) -> SourceCard:
    """The card with the test set; folders of the server only where they are allowed."""
    names = ["examples", "zip", "files", "manifest", *(["folders"] if local_folders else [])]
    gr.HTML(text("evaluate.source_title"))
    source = gr.Radio(
        [(text(f"evaluate.source_{name}"), name) for name in names],
        value="examples",
        label=text("evaluate.source"),
        show_label=False,
        elem_id="evaluate-source",
        elem_classes="fr-choices",
    )
    build = {"zip": _archive, "files": _files, "manifest": _manifest, "folders": _folders}
    groups, fields = {}, {}
    for name in names:
        with gr.Group(visible=name == "examples", elem_classes="fr-pairs") as groups[name]:
            gr.HTML(text(f"evaluate.{name}_hint"))
            if name in build:
                fields |= build[name]()
    return SourceCard(source, groups, fields)


def _archive() -> dict[str, Component]:
    return {"archive": _upload("zip", [".zip"], many=False)}


def _files() -> dict[str, Component]:
    suffixes = sorted(AUDIO_SUFFIXES)
    return {
        "noisy": _upload("noisy_files", suffixes),
        "clean": _upload("clean_files", suffixes),
        "system": _upload("system_files", suffixes),
        "system_name": gr.Textbox(
            "other", label=text("evaluate.system_name"), elem_id="evaluate-system-name"
        ),
    }


def _manifest() -> dict[str, Component]:
    return {
        "manifest": _upload("manifest", [".csv"], many=False),
        "manifest_sounds": _upload("manifest_sounds", sorted(AUDIO_SUFFIXES)),
    }


def _folders() -> dict[str, Component]:
    return {
        name: gr.Textbox(
            label=text(f"evaluate.{name}"),
            elem_id=f"evaluate-{name.replace('_', '-')}",
            lines=2 if name == "system_folders" else 1,
        )
        for name in ("noisy_folder", "clean_folder", "system_folders")
    }


@dataclass(frozen=True)
class SettingsCard:
    """How the pairs are scored, and the buttons that start and stop it."""

    denoise: gr.Checkbox
    weights: gr.Dropdown
    metrics: gr.CheckboxGroup
    align: gr.Checkbox
    run: gr.Button
    stop: gr.Button

    @property
    def inputs(self) -> set[Component]:
        return {self.denoise, self.weights, self.metrics, self.align}

    def settings(self, values: Values) -> Settings:
        """What the visitor has chosen.

        Raises:
            MetricError: there is no such metric.
        """
        return Settings(
            denoise=values[self.denoise],
            weights=values[self.weights],
            metrics=tuple(values[self.metrics]),
            align=values[self.align],
        )


def build_settings() -> SettingsCard:
    """The card with the settings; its weights are filled in when a page opens."""
    gr.HTML(text("evaluate.settings_title"))
    usual = set(metric_keys(None))
    return SettingsCard(
        denoise=gr.Checkbox(True, label=text("evaluate.denoise"), elem_id="evaluate-denoise"),
        weights=empty_menu("evaluate-weights"),
        metrics=gr.CheckboxGroup(
            metric_choices(),
            value=[name for _, name in metric_choices() if set(metric_keys([name])) <= usual],
            label=text("evaluate.metrics"),
            elem_id="evaluate-metrics",
            elem_classes="fr-choices",
        ),
        align=gr.Checkbox(
            False,
            label=text("evaluate.align"),
            info=text("evaluate.align_info"),
            elem_id="evaluate-align",
        ),
        run=gr.Button(text("evaluate.run"), variant="primary", elem_id="evaluate-run"),
        stop=gr.Button(text("evaluate.stop"), visible=False, elem_id="evaluate-stop"),
    )


def _upload(key: str, suffixes: list[str], *, many: bool = True) -> gr.File:
    return gr.File(
        label=text(f"evaluate.{key}"),
        file_count="multiple" if many else "single",
        file_types=suffixes,
        type="filepath",
        height=110,
        elem_id=f"evaluate-{key.replace('_', '-')}",
        elem_classes="fr-upload",
    )
