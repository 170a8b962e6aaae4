"""The provider registry (NPPES): its files, and answers of its API. `read` begins.

What belongs here: reading one file. What must not come in: which record of a provider counts (`transforms`).
"""
