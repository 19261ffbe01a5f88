"""Code that protoc wrote from proto/.

Belongs: generated modules and stubs, made by `make proto`.
Never: a human edit; an import from anywhere but slurmfleet.contracts.
Read first: proto/slurmfleet/pb/v1/.
"""
