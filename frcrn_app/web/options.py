"""What the person who starts the demo decides: command line and environment to `WebOptions`.

Imports neither Gradio nor torch, so that `python app.py --help` answers at once. The variables of
the environment are pydantic-settings' work; its command line is not used, because its help shows
types and `null` in place of words.
"""

import argparse
import ipaddress
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860
DEFAULT_MAX_SECONDS = 7200.0
DEFAULT_VISITOR_MINUTES = 60.0
BYTES_PER_SECOND = 48_000 * 2 * 4  # of the largest usual upload: 48 kHz, stereo, float
MIN_UPLOAD_BYTES = 64 * 2**20  # room for a short video, of which the audio alone is used

_PREFIX = "FRCRN_"
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def _wrong(sentence: str) -> PydanticCustomError:
    """An error whose sentence may hold any character, braces included."""
    return PydanticCustomError("option", "{sentence}", {"sentence": sentence})


def _users(value: object) -> object:
    """Users and passwords of --auth: "user:password", or a file with one on each line."""
    if not isinstance(value, str):
        return value
    path = Path(value).expanduser()
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [value]
    users = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, password = line.strip().partition(":")
        if not (user and colon and password):
            where = f"line {number} of {path}" if path.is_file() else "the value"
            raise _wrong(f"takes USER:PASS, or a file with one on each line; {where} is neither")
        users.append((user, password))
    if not users:
        raise _wrong(f"the file {path} names no user")
    return users


def _paths(value: object) -> object:
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def _file(path: Path) -> Path:
    if not path.is_file():
        raise _wrong(f"there is no file {path}")
    return path


def _folder(path: Path) -> Path:
    path = path.expanduser().resolve()
    if not path.is_dir():
        raise _wrong(f"there is no folder {path}")
    return path


def _finite_and_positive(seconds: float) -> float:
    if not 0 < seconds < float("inf"):
        raise _wrong(f"must be more than 0, not {seconds:g}")
    return seconds


def _size(value: object) -> object:
    """Bytes of "4G", "512M" or a plain number."""
    if not isinstance(value, str):
        return value
    number, unit = value.strip().upper().removesuffix("B").removesuffix("I"), 1
    if number[-1:] in _UNITS:
    study: Folders = _option(
        (),
        "listening test to serve, which frcrn listen make has written; may be given several times",
        "DIR",
    )
        number, unit = number[:-1], _UNITS[number[-1]]
    try:
        size = int(float(number) * unit)
    except (OverflowError, ValueError):
        size = 0
    if size <= 0:
        raise _wrong(f'takes a size such as 4G or 512M, not "{value}"')
    return size


def _list(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _root_path(value: str) -> str:
    value = value.rstrip("/")
    if value and not value.startswith(("/", "http://", "https://")):
        raise _wrong(f'takes a path such as /denoiser, not "{value}"')
    return value


Size = Annotated[int, BeforeValidator(_size)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_list)]
Users = Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_users)]
File = Annotated[Path, AfterValidator(_file)]
Folders = Annotated[
    tuple[Annotated[Path, AfterValidator(_folder)], ...], NoDecode, BeforeValidator(_paths)
]


def _option(default: Any, help: str, metavar: str | None = None) -> Any:
    """A field with what `--help` says about it."""
    return Field(default, description=help, json_schema_extra={"metavar": metavar})


class WebOptions(BaseSettings):
    """How the demo is served; the defaults suit one person on their own machine.

    What is not given comes from the variables FRCRN_HOST, FRCRN_PORT and so on.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, frozen=True)

    host: str = _option(DEFAULT_HOST, f"address to listen on (default {DEFAULT_HOST})")
    port: Annotated[int, Field(ge=1, le=65535)] | None = _option(
        None, f"port (default: the first free one from {DEFAULT_PORT} on)", "PORT"
    )
    share: bool = _option(False, "also open a public gradio.live address")
    auth: Users = _option(
        (), "ask for a log-in: one user:password, or a file with one on each line", "USER:PASS|FILE"
    )
    weights: str = _option(
        "auto",
        "weights chosen at first (default: official ones where present, else embedded)",
        "NAME|PATH",
    )
    device: str = _option("auto", "auto, cpu, cuda or cuda:N (default auto)")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = _option(
        "auto", "of the network: auto, float32, bfloat16 or float16 (default auto)"
    )
    max_seconds: Annotated[float, AfterValidator(_finite_and_positive)] = _option(
        DEFAULT_MAX_SECONDS,
        f"longest recording that is accepted (default {DEFAULT_MAX_SECONDS:g}: two hours)",
        "SECONDS",
    )
    ssl_certfile: File | None = _option(None, "certificate: serve over https", "FILE")
    ssl_keyfile: File | None = _option(None, "private key of the certificate", "FILE")
    local_folders: Folders = _option(
        (), "folder of this machine that visitors may evaluate; may be given several times", "DIR"
    )
    allow_fetch: bool = _option(
        True, "let visitors download official weights (default: only when served to this machine)"
    )
    allow_sharing: bool = _option(
        False, "let visitors make links to their results that others can open"
    )

    live_weights: str = _option(
        "auto",
        "causal weights of the live tab (default: embedded ones; without them there is no tab)",
        "PATH",
    )
    live_visitors: Annotated[int, Field(ge=1)] | None = _option(
        None, "live at once; others wait (default: as many as the machine serves in time)", "N"
    )
    live_minutes: Annotated[float, AfterValidator(_finite_and_positive)] = _option(
        10.0, "of a live session (default 10)", "MINUTES"
    )
    mcp: bool = _option(
        False, "offer the endpoints of docs/api.md as tools for assistants (Model Context Protocol)"
    )
    public: bool = _option(
        False, "serve strangers: limits by address, which docs/deployment.md lists"
    )
    visitor_minutes: Annotated[float, AfterValidator(_finite_and_positive)] = _option(
        DEFAULT_VISITOR_MINUTES,
        "of audio an hour for one visitor, with --public (default 60)",
        "MINUTES",
    )
    visitor_jobs: Annotated[int, Field(ge=1)] = _option(
        6, "of one visitor waiting or running, with --public (default 6)", "JOBS"
    )
    visitor_upload: Size = _option(
        2 * 2**30, "that one visitor may send an hour, with --public (default 2G)", "SIZE"
    )
    memory: Size | None = _option(
        None, "for decoded audio (default: half of the machine's or container's)", "SIZE"
    )
    disk: Size = _option(20 * 2**30, "for all visitors' files together (default 20G)", "SIZE")
    root_path: Annotated[str, AfterValidator(_root_path)] = _option(
        "", "path under which a proxy shows the page, such as /denoiser", "PATH"
    )
    trusted_proxies: Words = _option(
        ("127.0.0.1", "::1"),
        "addresses or networks of proxies that tell visitors' addresses, with commas between "
        "(default: this machine)",
        "ADDRESSES",
    )
    frame_ancestors: Words = _option(
        (), "origins of other sites that may show the page in a frame", "ORIGINS"
    )
    log_names: bool = _option(False, "write the names of visitors' files into the log")

    @model_validator(mode="before")
    @classmethod
    def _fetch_on_this_machine_alone(cls, values: dict[str, Any]) -> dict[str, Any]:
        local = is_loopback(str(values.get("host", DEFAULT_HOST)))
        shared = str(values.get("share", "0")).lower() in ("1", "true", "yes", "on", "t", "y")
        return {"allow_fetch": local and not shared} | values

    @model_validator(mode="after")
    def _certificate_with_key(self) -> "WebOptions":
        if bool(self.ssl_certfile) != bool(self.ssl_keyfile):
            raise _wrong("--ssl-certfile and --ssl-keyfile belong together: give both")
        return self

    @model_validator(mode="before")
    @classmethod
    def _within_a_visitors_hour(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A recording that no visitor may send is not invited."""
        public = str(values.get("public", "0")).lower() in ("1", "true", "yes", "on", "t", "y")
        try:
            allowed = 60 * float(values.get("visitor_minutes", DEFAULT_VISITOR_MINUTES))
        except (TypeError, ValueError):  # told by the field itself
            return values
        if not public or not allowed > 0:
            return values
        return {"max_seconds": min(DEFAULT_MAX_SECONDS, allowed)} | values

    @model_validator(mode="after")
    def _mcp_is_installed(self) -> "WebOptions":
        if self.mcp and find_spec("mcp") is None:
            raise _wrong("--mcp needs the package mcp: pip install 'mcp<2'")
        return self

    @property
    def max_upload_bytes(self) -> int:
        """The largest file that is accepted, in bytes."""
        return max(MIN_UPLOAD_BYTES, int(self.max_seconds * BYTES_PER_SECOND))


def parse_options(argv: Sequence[str] | None = None) -> WebOptions:
    """Options from the command line; what it leaves open comes from FRCRN_* variables.

    Exits with code 2 and a sentence when an option cannot be used, as argparse does.
    """
    parser = _parser()
    given = vars(parser.parse_args(argv))
    try:
        return WebOptions(**(_where_platforms_listen() | given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        words = first["msg"][:1].lower() + first["msg"][1:]
        if not first["loc"]:
            parser.error(words)
        name = str(first["loc"][0])
        option = _flag(name) if name in given else f"{_PREFIX}{name.upper()}"
        quoted = "" if first["type"] == "option" else f' "{first["input"]}" cannot be used:'
        parser.error(f"{option}:{quoted} {words}")


def _where_platforms_listen() -> dict[str, Any]:
    """Where Hugging Face Spaces and ModelScope studios say, in Gradio's variables, to listen."""
    told = {"host": "GRADIO_SERVER_NAME", "port": "GRADIO_SERVER_PORT"}
    return {
        name: os.environ[variable]
        for name, variable in told.items()
        if os.environ.get(variable) and not os.environ.get(f"{_PREFIX}{name.upper()}")
    }


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on that host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _parser() -> argparse.ArgumentParser:
    """One argument for each field; its values are checked by the fields."""
    parser = argparse.ArgumentParser(
        prog="app.py",
        description="Serves the demo: noisy speech in, clean speech out, in the browser.",
        epilog="Every option can also be set by an environment variable, for containers: "
        "FRCRN_HOST, FRCRN_PORT, FRCRN_MAX_SECONDS and so on; the command line wins.",
        argument_default=argparse.SUPPRESS,
    )
    for name, field in WebOptions.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        words = field.description
        if field.annotation is bool:
            parser.add_argument(_flag(name), action=argparse.BooleanOptionalAction, help=words)
        elif name in ("local_folders", "study"):
            parser.add_argument(
                _flag(name), action="append", metavar=str(extra["metavar"]), help=words
            )
        else:
            metavar = extra.get("metavar") or name.upper()
            parser.add_argument(_flag(name), metavar=str(metavar), help=words)
    return parser


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
