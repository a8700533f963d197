"""What keeps the registry running: its backups, and how it comes from one database to the other."""
