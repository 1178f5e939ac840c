"""Two images that bracket an earthquake, and why these two."""
