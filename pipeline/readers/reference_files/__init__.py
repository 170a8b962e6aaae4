"""What the readers of reference files share: text tables and sheets, releases in names, parts of a zip, warnings.

What must not come in: any one publisher's format.
"""
