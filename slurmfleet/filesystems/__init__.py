"""File systems' command lines out, use and limits in; pure.

Belongs: which command tells a quota on which kind of file system, and its parser.
Never: connections, clocks, what is asked when, our facts, thresholds.
Read first: commands.py, usage.py, lfs.py, patience.py.
"""
