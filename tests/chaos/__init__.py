"""The chaos run: ten people at work while processes, connections and the database are killed.

`python -m tests.chaos --seconds 120` starts a PostgreSQL of its own, gunicorn and the worker, lets a session
of each role at two bureaus follow links and send forms for so long, and then asks whether anything that a
page said was not so.
"""
