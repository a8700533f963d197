"""Django's PostgreSQL engine, which notices a server that does not answer any more."""
