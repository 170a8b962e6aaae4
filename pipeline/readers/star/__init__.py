"""Star schemas that another pipeline wrote: their layout, rows and checks."""
