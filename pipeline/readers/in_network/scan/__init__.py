"""The compiled pass over the bytes of an in-network file, and nothing else."""
