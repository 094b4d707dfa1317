"""What a user did wrong: the kind of error, a code, and fields. Its words are in `i18n`.

A code is the key of a sentence, such as "audio.too_long"; the fields fill that sentence. A field
may itself be a UserError, whose sentence is then in the same language, a Path, which a public door
shows by its name alone, or an OSError, whose reason is worded as the operating system's.
"""

import errno
from collections.abc import Callable
from pathlib import PurePath


class UserError(ValueError):
    """Base of all errors that the user can mend; `str(error)` is its English sentence.

    Args:
        code: key of the sentence that says what is wrong and what to do about it.
        fields: what the sentence names.
    """

    def __init__(self, code: str, **fields: object):
        super().__init__(code)
        self.code = code
        self.fields = fields

    def sentence(self, language: str = "en", path: Callable[[PurePath], str] | None = None) -> str:
        """The sentence in "en" or "zh"; `path` words the paths in it, by default in full."""
        from frcrn_app.files import shown
        from frcrn_app.i18n import text

        def worded(value: object) -> object:
            if isinstance(value, UserError):
                return value.sentence(language, path)
            if isinstance(value, PurePath):
                return shown(path(value)) if path else shown(value)
            if isinstance(value, OSError):
                return _reason(value, language)
            return value

        fields = {name: worded(value) for name, value in self.fields.items()}
        return text(self.code, language, **fields)

    def __str__(self) -> str:
        return self.sentence()

    def __reduce__(self):
        return _restored, (type(self), self.code, self.fields)


def _reason(error: OSError, language: str) -> str:
    """Why the operating system refused, without the path; in its own words where none are known."""
    from frcrn_app.i18n import keys, text

    key = f"os.{errno.errorcode.get(error.errno or 0)}"
    return text(key, language) if key in keys(language) else error.strerror or str(error)


def _restored(kind: type[UserError], code: str, fields: dict[str, object]) -> UserError:
    return kind(code, **fields)


class AudioError(UserError):
    """Audio that cannot be read, written or processed."""


class CheckpointError(UserError):
    """Weights that are missing, corrupt, unsafe or of another architecture."""


class PairError(UserError):
    """Clean and noisy files that cannot be matched or compared."""


class MetricError(UserError):
    """A score that is not defined for the audio it was asked for."""


class DeviceError(UserError):
    """A device or precision that this machine does not have."""


class Cancelled(Exception):
    """Raised by a progress callback to stop long work; never an error message."""
