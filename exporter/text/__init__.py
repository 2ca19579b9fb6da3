"""Strings to PackedTokens in graph: each library's tokenizer, then truncation and packing.

Knows `bert`, and no other room of `exporter`.
"""
