"""One module per noun of the REST interface.

Belongs: paths, parameters, what they answer.
Never: SQL, business rules, error documents (services.api.errors has them).
Read first: jobs.py, clusters.py, events.py, dead_letters.py.
"""
