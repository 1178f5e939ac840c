"""Figures of the book: finished arrays and frames in, matplotlib axes out."""
