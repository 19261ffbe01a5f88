"""Asks one cluster, tells what changed.

Belongs: when to ask, what changed, publishing facts, serving commands to its cluster.
Never: database, HTTP, deciding who may act.
Read first: diff.py, watch.py, surveys/survey.py, state.py.
"""
