"""Answers to files: parts, failures and the summary."""
