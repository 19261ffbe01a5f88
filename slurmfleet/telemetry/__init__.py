"""Log set-up and the name of every metric.

Belongs: structlog configuration, metric names, help texts and labels.
Never: business decisions, dashboards of one service.
Read first: logs.py, metrics.py.
"""
