"""What is known of one cluster's jobs, and what follows from what was seen of them.

Belongs: decisions about jobs, arrays and het jobs, what is kept of them, the facts that follow.
Never: talking to a cluster, deciding when to look; all of it is pure.
Read first: tracked.py, diff.py, verdicts.py, repair.py; book.py above keeps them.
"""
