"""The embedded stack: a bus, a database and the services as children of one supervisor.

Belongs: what runs, in which order, where its files are, how it is ended.
Never: what a service does, REST, the shape of the command line.
Read first: supervisor.py, keeper.py, services.py.
"""
