"""Queries behind every answer.

Belongs: functions that return rows and never write.
Never: writes, presentation, HTTP.
Read first: jobs.py, clusters.py, events.py, rolls.py, samples.py.
"""
