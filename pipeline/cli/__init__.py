"""What a person types and reads. No building of tables."""
