"""The clock and time budgets.

Belongs: Clock, its system and test kinds, Budget.
Never: scheduling policy.
Read first: clock.py, budget.py.
"""
