"""What the person who starts the demo decides about strangers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from frcrn_app.web.options import WebOptions

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class GuardOptions:
    """Limits and permissions; the defaults suit one person on their own machine.

    Limits by address hold where `public` is set, all others always.
    """

    public: bool = False
    memory_bytes: int | None = None  # for decoded audio; None: half of the machine's or container's
    disk_bytes: int = 20 * GIB  # for all visitors' files together
    upload_bytes: int = 256 * MIB  # of one file
    jobs_at_once: int = 6  # of one address, waiting or running
    requests_a_minute: int = 900  # a page takes about 80
    audio_minutes_an_hour: float = 60.0
    upload_bytes_an_hour: int = 2 * GIB
    root_path: str = ""  # under which a proxy shows the page
    frame_ancestors: tuple[str, ...] = ()  # origins that may show the page in a frame
    log_names: bool = False  # of the files, in the log

    @classmethod
    def of(cls, options: WebOptions) -> GuardOptions:
        """Those that the demo was started with."""
        return cls(
            public=options.public,
            memory_bytes=options.memory,
            disk_bytes=options.disk,
            upload_bytes=options.max_upload_bytes,
            jobs_at_once=options.visitor_jobs,
            audio_minutes_an_hour=options.visitor_minutes,
            upload_bytes_an_hour=options.visitor_upload,
            root_path=options.root_path,
            frame_ancestors=options.frame_ancestors,
            log_names=options.log_names,
        )
