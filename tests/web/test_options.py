"""Options of the demo, from the command line and the environment."""

import os

import pytest

from frcrn_app.web.options import parse_options
from paths import ROOT

USER = ("ada", "secret word")


@pytest.fixture
def environment(monkeypatch):
    """A function that leaves no FRCRN_* variables but those it is given."""

    def only(**variables: str) -> None:
        for name in [name for name in os.environ if name.startswith("FRCRN_")]:
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    only()
    return only


def test_options_from_the_command_line_and_the_environment(tmp_path, environment):
    users = tmp_path / "users.txt"
    users.write_text("ada:secret word\n# a comment\ngrace:a:b\n")
    assert parse_options([]).allow_fetch
    assert not parse_options(["--share"]).allow_fetch
    environment(FRCRN_PORT="8123", FRCRN_HOST="0.0.0.0", FRCRN_AUTH=str(users))
    options = parse_options(["--port", "9000"])
    assert (options.host, options.port) == ("0.0.0.0", 9000)
    assert options.auth == (USER, ("grace", "a:b"))
    assert not options.allow_fetch  # reachable from elsewhere: not unless it is said
    assert parse_options(["--allow-fetch"]).allow_fetch
    environment(FRCRN_ALLOW_FETCH="0", FRCRN_LOCAL_FOLDERS=str(tmp_path))
    assert not parse_options([]).allow_fetch
    assert parse_options([]).local_folders == (tmp_path,)


@pytest.mark.parametrize(
    ("argv", "variables", "words"),
    [
        (["--port", "99999"], {}, "65535"),
        (["--max-seconds", "0"], {}, "more than 0"),
        (["--auth", "nobody"], {}, "USER:PASS"),
        (["--ssl-certfile", str(ROOT / "app.py")], {}, "both"),
        (["--ssl-keyfile", "key.pem"], {}, "no file key.pem"),
        (["--local-folders", "/no/such/folder"], {}, "no folder"),
        ([], {"FRCRN_PORT": "many"}, "FRCRN_PORT"),
        ([], {"FRCRN_SHARE": "perhaps"}, "FRCRN_SHARE"),
        ([], {"FRCRN_PRECISION": "int3"}, "int3"),
    ],
)
def test_options_that_cannot_be_used_are_said(argv, variables, words, environment, capsys):
    environment(**variables)
    with pytest.raises(SystemExit) as stopped:
        parse_options(argv)
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


def test_no_recording_is_invited_that_a_visitor_may_not_send(environment):
    assert parse_options([]).max_seconds == 7200
    assert parse_options(["--public"]).max_seconds == 3600
    assert parse_options(["--public", "--visitor-minutes", "600"]).max_seconds == 7200
    assert parse_options(["--public", "--max-seconds", "5000"]).max_seconds == 5000
