"""What ingest leaves of provider-registry files."""
