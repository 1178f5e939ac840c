"""The command line: one command a question, one JSON document or a few lines of text, one line an error."""

from epi.cli.app import app, main

__all__ = ["app", "main"]
