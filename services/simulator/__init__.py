"""Simulated clusters behind real SSH servers.

Belongs: a model of Slurm's behaviour, its command line, its login node.
Never: knowledge that the collector could not get from a real cluster.
Read first: model.py, ledger.py, execution.py, cluster.py, commands.py, login.py, service.py.
"""
