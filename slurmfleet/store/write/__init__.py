"""Statements of the one writing process.

Belongs: idempotent batch upserts.
Never: reads for an answer, network calls.
Read first: facts.py.
"""
