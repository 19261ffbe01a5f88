"""The command `slurmfleet`.

Belongs: the words of the command line, the supervisor of the embedded stack, a client of REST.
Never: imports of a service, business rules.
Read first: main.py, commands/status.py, stack/supervisor.py.
"""
