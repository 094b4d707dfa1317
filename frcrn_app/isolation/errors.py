"""What may become of work on a visitor's file, beside the errors that the work itself raises."""

from frcrn_app.errors import UserError


class IsolationError(UserError):
    """A file took too long, too much memory or brought its process down; or the server is busy."""
