"""Labelled pairs to scores that can be trusted: pairing, scoring, statistics.

>>> from frcrn_app import Denoiser, evaluate_pairs
>>> from frcrn_app.evaluation import pair_folders, summarise
>>> pairs = pair_folders("set/noisy", "set/clean", {"other": "set/other"})
>>> summary = summarise(evaluate_pairs(pairs, denoiser=Denoiser()))

`frcrn_app.report` writes what comes out as CSV, JSON and HTML.
"""

from frcrn_app.evaluation.pairing import (
    NOISY,
    Pair,
    PairSet,
    SoundFile,
    Unpaired,
    list_sounds,
    pair_files,
    pair_folders,
    pair_manifest,
)
from frcrn_app.evaluation.run import Evaluation, Row, evaluate_pairs
from frcrn_app.evaluation.sources import pair_archive
from frcrn_app.evaluation.summary import Summary, summarise

__all__ = [
    "NOISY",
    "Evaluation",
    "Pair",
    "PairSet",
    "Row",
    "SoundFile",
    "Summary",
    "Unpaired",
    "evaluate_pairs",
    "list_sounds",
    "pair_archive",
    "pair_files",
    "pair_folders",
    "pair_manifest",
    "summarise",
]
