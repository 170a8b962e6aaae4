SELECT * FROM listed_warning
