"""How any table is built: the base task, limits, code versions, Luigi's worker and scheduler.

What must not come in: any one table.
"""
