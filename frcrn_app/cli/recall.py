"""The arguments of a long run, kept in its folder: to go on, nothing need be named again."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from frcrn_app.errors import UserError
from frcrn_app.files import atomic_path

# What is the command's own, or found by where the run lies.
_NOT_KEPT = {"command", "run", "words", "out", "resume"}
# Of two that exclude each other, the one that is named replaces the one that was kept.
_EXCLUDED_BY = {"steps": "hours", "hours": "steps"}


def keep_arguments(args: argparse.Namespace, path: Path) -> None:
    """Writes a command's arguments, each as the words that give it, by name.

    Files and folders are written with their whole path: a run may go on from another folder.
    """
    kept = {name: _words(name, value) for name, value in vars(args).items()}
    with atomic_path(path) as draft:
        draft.write_text(
            json.dumps({name: words for name, words in kept.items() if words}, indent=1) + "\n",
            encoding="utf-8",
        )


def recall_arguments(
    add_arguments: Callable[[argparse.ArgumentParser], None],
    words: list[str],
    path: Path,
) -> argparse.Namespace:
    """The arguments of a command line, with those that were kept in place of what it leaves out.

    Args:
        add_arguments: of the command.
        words: of the command line, after the command's name.
        path: what `keep_arguments` wrote.

    Raises:
        UserError: the file cannot be read or is none of this command's.
    """
    named = _named(add_arguments, words)
    replaced = {_EXCLUDED_BY[name] for name in named if name in _EXCLUDED_BY}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        before = [
            word for name, given in kept.items() if name not in named | replaced for word in given
        ]
        kept_parser = _Raising()
        add_arguments(kept_parser)
        kept_parser.parse_args(before)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError("training.arguments_unreadable", path=path) from error
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([*before, *words])


class _Raising(argparse.ArgumentParser):
    """Wrong words were not typed just now, so that the usage would explain nothing."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _named(add_arguments: Callable[[argparse.ArgumentParser], None], words: list[str]) -> set[str]:
    """The names of the arguments that a command line gives."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    untouched: list[str] = []  # a list, because some options extend theirs, into another list
    parser.set_defaults(**dict.fromkeys(vars(parser.parse_args([])), untouched))
    given = vars(parser.parse_args(words))
    return {name for name, value in given.items() if value is not untouched}


def _words(name: str, value: Any) -> list[str]:
    """What gives an argument this value on a command line; nothing for what is not given."""
    if name in _NOT_KEPT or value is None or value is False or value == []:
        return []
    option = f"--{name.replace('_', '-')}"
    if value is True:
        return [option]
    if isinstance(value, list):
        return [option, *map(_word, value)]
    return [option, _word(value)]


def _word(value: Any) -> str:
    path = Path(value) if isinstance(value, str) else value
    # Weights are given by name or by file.
    whole = isinstance(value, Path) or (isinstance(value, str) and path.suffix and path.is_file())
    return str(path.absolute() if whole else value)
