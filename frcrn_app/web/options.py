"""What the person who starts the demo decides: command line and environment to `WebOptions`.

Imports neither Gradio nor torch, so that `python app.py --help` answers at once.
"""

import argparse
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860
DEFAULT_MAX_SECONDS = 600.0
BYTES_PER_SECOND = 48_000 * 2 * 4  # of the largest usual upload: 48 kHz, stereo, float
MIN_UPLOAD_BYTES = 64 * 2**20  # room for a short video, whose sound alone is used


@dataclass(frozen=True)
class WebOptions:
    """How the demo is served; the defaults suit one person on their own machine."""

    host: str = DEFAULT_HOST
    port: int | None = None  # None: the first free one from 7860 on
    share: bool = False
    auth: tuple[tuple[str, str], ...] = ()  # (user, password); empty: no log-in
    weights: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    max_seconds: float = DEFAULT_MAX_SECONDS
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    local_folders: tuple[Path, ...] = ()  # folders of this machine that visitors may evaluate
    allow_fetch: bool = True  # visitors may start the download of official weights

    @property
    def max_upload_bytes(self) -> int:
        """The largest file that is accepted, in bytes."""
        return max(MIN_UPLOAD_BYTES, int(self.max_seconds * BYTES_PER_SECOND))

    @property
    def address(self) -> str:
        """What to type into a browser on this machine, without the port."""
        scheme = "https" if self.ssl_certfile else "http"
        host = "localhost" if self.host in ("0.0.0.0", "::", "[::]") else self.host
        return f"{scheme}://{host}"


def parse_options(
    argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> WebOptions:
    """Options from the command line; what it leaves open comes from FRCRN_* variables.

    Exits with code 2 and a sentence when an option cannot be used, as argparse does.
    """
    environ = os.environ if environ is None else environ
    parser = _parser()
    try:
        parser.set_defaults(**_environment_defaults(environ))
        args = parser.parse_args(argv)
        return _checked(args)
    except ValueError as error:
        parser.error(str(error))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on that host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py",
        description="Serves the demo: noisy speech in, clean speech out, in the browser.",
        epilog="Every option can also be set by an environment variable, for containers: "
        "FRCRN_HOST, FRCRN_PORT, FRCRN_MAX_SECONDS and so on; the command line wins.",
    )
    add = parser.add_argument
    add("--host", default=DEFAULT_HOST, help="address to listen on (default %(default)s)")
    add(
        "--port",
        type=int,
        help=f"port (default: the first free one from {DEFAULT_PORT} on)",
    )
    add(
        "--share",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="also open a public gradio.live address",
    )
    add(
        "--auth",
        metavar="USER:PASS|FILE",
        help="ask for a log-in: one user:password, or a file with one on each line",
    )
    add(
        "--weights",
        default="auto",
        metavar="NAME|PATH",
        help="weights chosen at first (default: official ones where present, else embedded)",
    )
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N (default %(default)s)")
    add(
        "--precision",
        default="auto",
        choices=("auto", "float32", "bfloat16", "float16"),
        help="of the network (default %(default)s)",
    )
    add(
        "--max-seconds",
        type=float,
        default=DEFAULT_MAX_SECONDS,
        metavar="SECONDS",
        help="longest sound that is accepted (default %(default)g)",
    )
    add("--ssl-certfile", type=Path, metavar="FILE", help="certificate: serve over https")
    add("--ssl-keyfile", type=Path, metavar="FILE", help="private key of the certificate")
    add(
        "--local-folders",
        type=Path,
        action="append",
        metavar="DIR",
        help="folder of this machine that visitors may evaluate; may be given several times",
    )
    add(
        "--allow-fetch",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="let visitors download official weights (default: only when served to this machine)",
    )
    return parser


def _environment_defaults(environ: Mapping[str, str]) -> dict[str, object]:
    """Defaults from FRCRN_* variables, each converted and checked like its option."""
    texts = ("host", "auth", "weights", "device", "precision")
    convert = dict.fromkeys(texts, str) | {
        "port": int,
        "max_seconds": float,
        "share": _truth,
        "allow_fetch": _truth,
        "ssl_certfile": Path,
        "ssl_keyfile": Path,
        "local_folders": lambda text: [Path(part) for part in text.split(os.pathsep) if part],
    }
    defaults = {}
    for name, to_value in convert.items():
        variable = f"FRCRN_{name.upper()}"
        text = environ.get(variable, "").strip()
        if not text:
            continue
        try:
            defaults[name] = to_value(text)
        except ValueError:
            raise ValueError(f'{variable}="{text}" cannot be used: {_WANTED[to_value]}') from None
    return defaults


def _truth(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


_WANTED = {int: "give a whole number", float: "give a number", _truth: "give 1 or 0"}


def _checked(args: argparse.Namespace) -> WebOptions:
    if args.port is not None and not 1 <= args.port <= 65535:
        raise ValueError(f"--port must be from 1 to 65535, not {args.port}")
    if not 0 < args.max_seconds < float("inf"):
        raise ValueError(f"--max-seconds must be more than 0, not {args.max_seconds:g}")
    if args.precision not in ("auto", "float32", "bfloat16", "float16"):
        raise ValueError(f'precision "{args.precision}" is not known')
    if bool(args.ssl_certfile) != bool(args.ssl_keyfile):
        raise ValueError("--ssl-certfile and --ssl-keyfile belong together: give both")
    for file in (args.ssl_certfile, args.ssl_keyfile):
        if file is not None and not file.is_file():
            raise ValueError(f"there is no file {file}")
    folders = tuple(folder.expanduser().resolve() for folder in args.local_folders or ())
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"--local-folders: there is no folder {folder}")
    allow_fetch = args.allow_fetch
    if allow_fetch is None:
        allow_fetch = is_loopback(args.host) and not args.share
    return WebOptions(
        host=args.host,
        port=args.port,
        share=args.share,
        auth=_users(args.auth),
        weights=args.weights,
        device=args.device,
        precision=args.precision,
        max_seconds=args.max_seconds,
        ssl_certfile=args.ssl_certfile,
        ssl_keyfile=args.ssl_keyfile,
        local_folders=folders,
        allow_fetch=allow_fetch,
    )


def _users(text: str | None) -> tuple[tuple[str, str], ...]:
    """Users and passwords of --auth."""
    if not text:
        return ()
    path = Path(text).expanduser()
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [text]
    users = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, password = line.strip().partition(":")
        if not (user and colon and password):
            where = f"line {number} of {path}" if path.is_file() else "the value"
            raise ValueError(
                f"--auth takes USER:PASS, or a file with one on each line; {where} is neither"
            )
        users.append((user, password))
    if not users:
        raise ValueError(f"--auth: the file {path} names no user")
    return tuple(users)
