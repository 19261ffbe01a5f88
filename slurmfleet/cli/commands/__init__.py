"""One module per noun of the command line.

Belongs: options, what is asked of the API, how the answer looks on a terminal.
Never: starting processes, deciding what a fact means.
Read first: cluster.py, status.py.
"""
