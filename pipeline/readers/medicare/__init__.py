"""Medicare's fee schedules, as CMS publishes them. `read` begins."""
