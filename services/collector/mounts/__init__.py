"""Folders of a cluster mounted on this machine with sshfs, for people and their programs.

Belongs: what the kernel lists as mounted, starting and ending sshfs, whether a mount answers.
Never: reading what lies in a mount; slurmfleet's own reading goes over the connection (ADR-0027).
Read first: table.py, command.py, desk.py.
"""
