"""Medicare's fee schedules, as CMS publishes them. `read` begins.

What belongs here: reading one file as its publisher lays it out. What must not come in: prices, the choice between
releases (`transforms`).
"""
