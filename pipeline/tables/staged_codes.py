"""What ingest leaves of code sets: procedure categories and places of service."""
