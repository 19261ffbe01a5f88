"""Fakes and builders, shipped with the library.

Belongs: what two test files or more need.
Never: assertions, fixtures, use in production.
Read first: clock.py, builders.py.
"""
