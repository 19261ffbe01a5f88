"""The language that processes speak to each other.

Belongs: ids, events, commands, subjects, streams as data, the codec.
Never: I/O, logging, defaults read from anywhere, Slurm syntax.
Read first: ids.py, jobs.py, events.py, subjects.py, codec.py.
"""
