"""Star schemas that another pipeline wrote: their layout, rows and checks.

What belongs here: reading one star schema. What must not come in: merging it with other sources (`transforms`).
"""
