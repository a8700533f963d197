"""For whoever runs the registry: health, measurements, the log of requests, modes, the replica, backups."""
