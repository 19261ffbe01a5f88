"""Asks one cluster, tells what changed.

Belongs: when to ask, what changed, publishing facts, serving commands to its cluster;
looks/ asks for jobs, jobs/ decides what follows, surveys/ and sampling/ ask for all else.
Never: database, HTTP, deciding who may act.
Read first: station.py, looks/watch.py, jobs/diff.py, surveys/survey.py, state.py.
"""
