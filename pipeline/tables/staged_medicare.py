"""What ingest leaves of fee-schedule files (Medicare's and the states' for workers' compensation)."""
