"""The command line: one module a command, each with HELP, add_arguments(parser) and run(args).

`run` returns the exit code. Importing a module is cheap: what needs torch is imported inside `run`.
`main` finds the command and words its failures.
"""
