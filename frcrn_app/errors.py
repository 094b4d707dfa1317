"""Failures that are the user's to mend. Their message is one sentence, shown as it stands."""


class UserError(ValueError):
    """Base of all errors whose message says what is wrong and what to do about it."""


class AudioError(UserError):
    """A sound that cannot be read, written or processed."""


class CheckpointError(UserError):
    """Weights that are missing, corrupt, unsafe or of another architecture."""


class PairError(UserError):
    """Clean and noisy files that cannot be matched or compared."""


class MetricError(UserError):
    """A score that is not defined for the sound it was asked for."""


class DeviceError(UserError):
    """A device or precision that this machine does not have."""


class Cancelled(Exception):
    """Raised by a progress callback to stop long work; never an error message."""
