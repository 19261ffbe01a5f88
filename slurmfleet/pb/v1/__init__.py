"""Version 1 of the generated messages.

Belongs: generated modules and stubs, made by `make proto`.
Never: a human edit; an import from anywhere but slurmfleet.contracts.
Read first: proto/slurmfleet/pb/v1/.
"""
