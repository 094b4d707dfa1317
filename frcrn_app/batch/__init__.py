"""Files, folders and archives through a Denoiser."""

from frcrn_app.batch.folders import (
    FileJob,
    FilePlan,
    FileResult,
    denoise_files,
    plan_files,
    run_plan,
)

__all__ = ["FileJob", "FilePlan", "FileResult", "denoise_files", "plan_files", "run_plan"]
