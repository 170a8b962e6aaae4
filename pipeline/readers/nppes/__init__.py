"""The provider registry (NPPES): its files, and answers of its API. `read` begins."""
