"""The project's version, in one place: the package, the command line and reports read it here."""

__version__ = "0.2.0"
