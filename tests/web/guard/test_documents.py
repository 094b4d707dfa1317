"""docs/deployment.md says what the code does."""

import re

from frcrn_app.isolation.recordings import COST
from frcrn_app.web.guard import GuardOptions
from frcrn_app.web.guard.bodies import FILES_AN_UPLOAD, JSON_BYTES, UPLOADS_AT_ONCE
from frcrn_app.web.guard.login import FAILURES_BY_ADDRESS, FAILURES_BY_NAME, WINDOW_MINUTES
from frcrn_app.web.options import WebOptions
from paths import ROOT

TEXT = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())


def test_every_option_in_it_exists():
    named = set(re.findall(r"--([a-z][a-z-]+)", TEXT.split("## Behind a proxy")[0]))
    fields = {name.replace("_", "-") for name in WebOptions.model_fields}
    assert named <= fields
    variables = set(re.findall(r"FRCRN_([A-Z_]+)", TEXT))
    assert {name.lower() for name in variables} <= set(WebOptions.model_fields)


def test_its_numbers_are_those_of_the_code():
    options = GuardOptions.of(WebOptions())
    assert f"{options.requests_a_minute} a minute" in FLAT
    assert f"`--visitor-jobs` (default {options.jobs_at_once})" in FLAT
    assert f"`--visitor-minutes` (default {options.audio_minutes_an_hour:g})" in FLAT
    assert f"`--visitor-upload` (default {options.upload_bytes_an_hour >> 30}G)" in FLAT
    assert f"`--disk` (default {options.disk_bytes >> 30}G)" in FLAT
    assert f"{FAILURES_BY_ADDRESS} failed attempts by address and {FAILURES_BY_NAME}" in FLAT
    assert f"within {WINDOW_MINUTES} minutes" in FLAT
    assert f"{JSON_BYTES >> 20} MiB, uploads" in FLAT
    assert FILES_AN_UPLOAD == 4  # "four times that a request"
    assert f"{UPLOADS_AT_ONCE} at a time" in FLAT
    assert COST == 5  # "five times its decoded size"
