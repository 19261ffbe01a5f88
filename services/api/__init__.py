"""The REST gateway.

Belongs: HTTP shapes, paging, streaming, problem documents.
Never: SQL, SSH, state kept between requests.
Read first: app.py, gateway.py, answers.py, errors.py, routes/.
"""
