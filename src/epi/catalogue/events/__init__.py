"""Earthquakes as rows of one table: every form they come in, filtered, merged, named."""
