"""The NTIRE efficient super-resolution challenge: measure contenders, rank a table, write the report."""
