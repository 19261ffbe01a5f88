"""When a cluster's queue and its accounting are asked, and how the answers are read.

Belongs: the round trips, their cadence, evidence out of frames.
Never: what the evidence means for a job (that is in jobs/), other topics (surveys/, sampling/).
Read first: watch.py and pace.py; inquiry.py and agenda.py; reading.py, accounting.py.
"""
