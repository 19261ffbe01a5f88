"""What is asked beside the looks: capacity, shares, limits, use, quotas, samples.

Belongs: one module a topic: what to ask, how its answer becomes facts.
Never: jobs' beginnings and ends, when it is asked, the way to the bus.
Read first: survey.py, and desk.py above.
"""
