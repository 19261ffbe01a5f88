"""Decisions about facts.

Belongs: what facts mean together: a job's project; crash classes, run groups and advice to come.
Never: I/O, clocks, SQL, Slurm's text formats.
Read first: projects.py.
"""
