"""The one door to SSH.

Belongs: connections, host-key checks, command results, the error tree.
Never: Slurm knowledge, parsing, what to run.
Read first: errors.py, target.py, link.py, hostkeys.py.
"""
