"""Labelled pairs to scores that can be trusted: pairing, scoring, statistics.

>>> from frcrn_app import Denoiser, evaluate_pairs
>>> from frcrn_app.evaluation import pair_folders, summarise
>>> pairs = pair_folders("set/noisy", "set/clean", {"other": "set/other"})
>>> summary = summarise(evaluate_pairs(pairs, denoiser=Denoiser()))

`frcrn_app.report` writes what comes out as CSV, JSON and HTML.
"""

from frcrn_app.evaluation.archives import MAX_ARCHIVE_BYTES, extract_archive, pair_archive
from frcrn_app.evaluation.folders import allowed_folder, pair_tree
from frcrn_app.evaluation.groups import GROUPINGS, SNR_BIN
from frcrn_app.evaluation.listing import SoundFile, inert, list_sounds
from frcrn_app.evaluation.manifest import pair_manifest
from frcrn_app.evaluation.merging import merge
from frcrn_app.evaluation.pairing import (
    NOISY,
    Pair,
    PairSet,
    Unpaired,
    pair_files,
    pair_folders,
)
from frcrn_app.evaluation.provenance import provenance
from frcrn_app.evaluation.recordings import load_scored
from frcrn_app.evaluation.resolving import among, first_of, inside
from frcrn_app.evaluation.rows import Evaluation, Row
from frcrn_app.evaluation.run import evaluate_pairs
from frcrn_app.evaluation.scoring import SoundScores
from frcrn_app.evaluation.statistics import (
    ALPHA,
    BOOTSTRAP_FILES,
    LEVEL,
    MIN_FILES,
    MIN_TEST_FILES,
    RESAMPLES,
    Mean,
    Test,
    holm,
    mean_intervals,
    sign_flip_tests,
)
from frcrn_app.evaluation.summary import Comparison, Group, Score, Summary, summarise

__all__ = [
    "ALPHA",
    "BOOTSTRAP_FILES",
    "GROUPINGS",
    "LEVEL",
    "MAX_ARCHIVE_BYTES",
    "MIN_FILES",
    "MIN_TEST_FILES",
    "NOISY",
    "RESAMPLES",
    "SNR_BIN",
    "Comparison",
    "Evaluation",
    "Group",
    "Mean",
    "Pair",
    "PairSet",
    "Row",
    "Score",
    "SoundFile",
    "SoundScores",
    "Summary",
    "Test",
    "Unpaired",
    "allowed_folder",
    "among",
    "evaluate_pairs",
    "extract_archive",
    "first_of",
    "holm",
    "inert",
    "inside",
    "list_sounds",
    "load_scored",
    "mean_intervals",
    "merge",
    "pair_archive",
    "pair_files",
    "pair_folders",
    "pair_manifest",
    "pair_tree",
    "provenance",
    "sign_flip_tests",
    "summarise",
]
