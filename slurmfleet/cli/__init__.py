"""The command `slurmfleet`.

Belongs: the supervisor of the embedded stack; a client of the REST API.
Never: imports of a service, business rules.
Read first: main.py, stack.py.
"""
