"""Files and their names."""
