"""Slurm's command lines out, parsed values in; pure.

Belongs: command text, framing, parsers, Slurm's own vocabulary.
Never: connections, clocks, retries, our events, policy.
Read first: commands.py, frames.py, squeue.py, sacct.py.
"""
