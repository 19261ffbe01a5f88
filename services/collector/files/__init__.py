"""What is read of a job's files on the login node: lists, parts, lines that match.

Belongs: the scripts that read there, what their bytes mean, where a job's files lie.
Never: a change of any file, Slurm's queue, whose files somebody may read.
Read first: places.py, scripts.py, desk.py.
"""
