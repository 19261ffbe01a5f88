"""The one door to PostgreSQL.

Belongs: pool, statements, rows, migrations, roles, edition, SQL text.
Never: authorization, formatting, calls to anything but PostgreSQL.
Read first: pool.py, statements.py, sql/, read/, write/.
"""
