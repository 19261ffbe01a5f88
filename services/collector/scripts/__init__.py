"""Scripts of people, run on a cluster's machines, over connections of their own.

Belongs: the bash around a script, what its answer means, the connections for it.
Never: what slurmfleet itself asks of a machine; who may run a script (slurmfleet/access).
Read first: wrapper.py, desk.py, spare.py.
"""
