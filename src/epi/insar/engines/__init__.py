"""Engines that make an interferogram, and readers of what they write."""
