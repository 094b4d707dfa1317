"""Why a request is turned away before it reaches the page."""

from frcrn_app.errors import UserError


class GuardError(UserError):
    """Too much at once, too large, or not allowed; `fields["seconds"]` says when to try again."""
