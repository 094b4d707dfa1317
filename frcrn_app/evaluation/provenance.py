"""When, with what and on what a run was done: enough to do it again, nothing that tells where."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

from frcrn_app.metrics import package_versions
from frcrn_app.version import __version__

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser


def provenance(denoiser: Denoiser | None) -> dict:
    """Date, versions, weights and machine; no host name, user or path."""
    versions = {"frcrn_app": __version__, "python": platform.python_version()}
    versions |= package_versions()
    weights = None
    accelerator = None
    if denoiser is not None:
        versions["torch"] = metadata.version("torch")
        weights = {
            "name": denoiser.entry.name,
            "sha256": denoiser.sha256,
            "licence": denoiser.entry.licence,
            "parameters": denoiser.parameters,
            "config": denoiser.config.to_dict(),
            "device": denoiser.device,
            "precision": denoiser.precision,
        }
        if str(denoiser.device).startswith("cuda"):
            import torch

            accelerator = torch.cuda.get_device_name(denoiser.device)
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions,
        "weights": weights,
        "machine": machine() | ({"accelerator": accelerator} if accelerator else {}),
    }


def machine() -> dict:
    """Processor, cores, memory and system."""
    facts = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "architecture": platform.machine(),
    }
    try:
        pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        facts["memory_gb"] = round(pages * page_bytes / 1e9, 1)
    except (AttributeError, ValueError, OSError):  # not on Windows
        pass
    return facts


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
