"""Facts from the bus into tables.

Belongs: batching, idempotent writes, dead letters, asking collectors about what a roll shows amiss.
Never: SSH, Slurm text, deciding what a fact means twice.
Read first: batch.py, intake.py, projector.py, registry.py, deadletters.py, rolls.py, repairs.py,
stream_watch.py.
"""
