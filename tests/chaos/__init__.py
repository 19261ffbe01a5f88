"""Faults at random moments, and what must be true after each.

Belongs: faults, waiting until all is quiet, what is compared afterwards, the report.
Never: what one door does with one fault (integration tests), knowledge of a service's insides.
Read first: __main__.py, rounds.py, faults.py, judge.py.
"""
