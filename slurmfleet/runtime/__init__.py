"""How a process starts, lives and stops.

Belongs: settings, one TaskGroup, supervision, health endpoints, asking collectors over the bus.
Never: anything that one service alone needs.
Read first: process.py, health.py, settings.py.
"""
