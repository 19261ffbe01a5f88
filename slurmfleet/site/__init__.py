"""The one door to a site's own HTTP services: what it measures and counts beside Slurm.

Belongs: requests within limits, how each service is asked, its answers as values, the error tree.
Never: what a value means for a cluster, when it is asked, our own REST.
Read first: errors.py, service.py, http.py.
"""
