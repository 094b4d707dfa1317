"""Who is served live and who waits for a place, in the order of arrival."""

from __future__ import annotations

from frcrn_app.web.live.messages import LiveError
from frcrn_app.web.live.session import Session

WAITING = 32  # sessions; the next one is told to come back
OF_ONE_VISITOR = 2  # served or waiting, where addresses are counted


class Hall:
    """Lives in the server's event loop.

    Args:
        count_addresses: whether one visitor may have so many sessions only.
    """

    def __init__(self, count_addresses: bool):
        self._count_addresses = count_addresses
        self.seats: int | None = None  # None: not known yet
        self.served: dict[int, Session] = {}
        self.waiting: list[Session] = []

    def enter(self, visitor: str) -> Session:
        """A new session, which is served at once or waits for its turn.

        Raises:
            LiveError: the machine cannot serve anyone, too many wait, or the visitor has others.
        """
        if self.seats == 0:
            raise LiveError("live.too_slow")
        present = [*self.served.values(), *self.waiting]
        own = sum(session.visitor == visitor for session in present)
        if self._count_addresses and own >= OF_ONE_VISITOR:
            raise LiveError("live.yours", count=own)
        if len(self.waiting) >= WAITING:
            raise LiveError("live.full")
        session = Session(visitor)
        self.waiting.append(session)
        self._seat(told=len(self.waiting) - 1)
        return session

    def open(self, seats: int | None) -> None:
        """From now on so many sessions are served at once; None: it is not known yet."""
        self.seats = seats
        if seats == 0:
            self._dismiss("live.too_slow")
        self._seat()

    def shut(self) -> None:
        """What serves has broken: everyone is dismissed, and seats are not known for now."""
        self.seats = None
        self._dismiss("live.broken")

    def leave(self, session: Session) -> None:
        """The session is over: its place goes to the next one."""
        self.served.pop(session.number, None)
        if session in self.waiting:
            self.waiting.remove(session)
        self._seat()

    def _dismiss(self, code: str) -> None:
        for session in [*self.served.values(), *self.waiting]:
            session.fail(LiveError(code))

    def _seat(self, told: int = 0) -> None:
        """Serve those for whom there are seats; tell the others, from one on, their places."""
        while self.waiting and len(self.served) < (self.seats or 0):
            session = self.waiting.pop(0)
            self.served[session.number] = session
            session.begin()
            told = 0
        for place, session in enumerate(self.waiting[told:], told + 1):
            if self.seats is None:
                session.say("starting")
            else:
                session.say("waiting", place=place)
