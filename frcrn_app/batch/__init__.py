"""Files, folders and archives through a Denoiser.

plan = plan_files(["recordings/"], "cleaned/")
results = run_plan(plan, Denoiser())

or both in one call, `denoise_files`. With workers, on this machine or a Ray cluster:

results, _ = spread_plan(plan, partial(ProcessCrew, size=4), ledger=Path("ledger.jsonl"))
"""

from frcrn_app.batch.addresses import is_address, place_of
from frcrn_app.batch.cleaner import DenoiserSettings
from frcrn_app.batch.plan import FileJob, FilePlan, Refusal, plan_files
from frcrn_app.batch.run import FileResult, RunOptions, denoise_files, run_plan
from frcrn_app.batch.spread import spread_plan
from frcrn_app.batch.standing import Standing

__all__ = [
    "DenoiserSettings",
    "FileJob",
    "FilePlan",
    "FileResult",
    "Refusal",
    "RunOptions",
    "Standing",
    "denoise_files",
    "is_address",
    "place_of",
    "plan_files",
    "run_plan",
    "spread_plan",
]
