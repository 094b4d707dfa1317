"""Files, folders and archives through a Denoiser.

plan = plan_files(["recordings/"], "cleaned/")
results = run_plan(plan, Denoiser())

or both in one call, `denoise_files`.
"""

from frcrn_app.batch.plan import FileJob, FilePlan, Refusal, plan_files
from frcrn_app.batch.run import FileResult, RunOptions, denoise_files, run_plan

__all__ = [
    "FileJob",
    "FilePlan",
    "FileResult",
    "Refusal",
    "RunOptions",
    "denoise_files",
    "plan_files",
    "run_plan",
]
