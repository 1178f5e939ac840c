"""Answers of archives and agencies that are kept on disk: how long they stand without asking again, and their age."""

import pandas as pd

FRESH_DAYS = 7.0
"""An answer kept for longer is asked for again: catalogues are revised for years, and images come daily."""


def age(asked: pd.Timestamp, now: pd.Timestamp) -> str:
    """Say for people how long before now a question was asked (both UTC)."""
    hours = (now - asked) / pd.Timedelta(hours=1)
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
