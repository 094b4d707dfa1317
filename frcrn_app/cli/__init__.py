"""One module a command, each with HELP, add_arguments(parser) and run(args) -> exit code.

Importing one is cheap: what needs torch is imported inside `run`.
"""
