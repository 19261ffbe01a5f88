"""Processes; each starts with `python -m services.<name>`.

Belongs: one folder a process, independent of the others.
Never: a helper that two services share (it goes to slurmfleet/).
Read first: collector, projector, api, mcp in the order of a fact's life.
"""
