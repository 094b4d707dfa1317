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
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from frcrn_app.web.option_values import (
    File,
    Folders,
    Positive,
    RootPath,
    Size,
    Users,
    Words,
    wrong,
)

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860
DEFAULT_MAX_SECONDS = 7200.0
DEFAULT_VISITOR_MINUTES = 60.0
BYTES_PER_SECOND = 48_000 * 2 * 4  # of the largest usual upload: 48 kHz, stereo, float
MIN_UPLOAD_BYTES = 64 * 2**20  # room for a short video, of which the audio alone is used

_PREFIX = "FRCRN_"


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
    max_seconds: Positive = _option(
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
    study: Folders = _option(
        (),
        "listening test to serve, which frcrn listen make has written; may be given several times",
        "DIR",
    )

    live_weights: str = _option(
        "auto",
        "causal weights of the live tab (default: embedded ones; without them there is no tab)",
        "PATH",
    )
    live_visitors: Annotated[int, Field(ge=1)] | None = _option(
        None, "live at once; others wait (default: as many as the machine serves in time)", "N"
    )
    live_minutes: Positive = _option(10.0, "of a live session (default 10)", "MINUTES")
    mcp: bool = _option(
        False, "offer the endpoints of docs/api.md as tools for assistants (Model Context Protocol)"
    )
    public: bool = _option(
        False, "serve strangers: limits by address, which docs/deployment.md lists"
    )
    visitor_minutes: Positive = _option(
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
    root_path: RootPath = _option(
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
            raise wrong("--ssl-certfile and --ssl-keyfile belong together: give both")
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
            raise wrong("--mcp needs the package mcp: pip install 'mcp<2'")
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
