"""What ingest leaves of geography files."""
