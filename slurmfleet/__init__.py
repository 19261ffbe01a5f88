"""The library under every slurmfleet process.

Belongs: what two processes or more need: the language, the doors, pure decisions.
Never: a process, a port, a decision that one service alone takes.
Read first: contracts/events.py, then slurm/, then the doors ssh/, bus/ and store/.
"""
