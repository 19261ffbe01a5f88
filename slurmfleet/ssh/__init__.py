"""The one door to SSH.

Belongs: connections, host-key checks, command results, the error tree.
Never: Slurm knowledge, parsing, what to run.
Read first: port.py, lanes.py, sessions.py, errors.py, target.py, link.py, scripts.py, hostkeys.py.
"""
