"""Strings to PackedTokens in graph: each library's tokenizer, then truncation and packing.

Knows `bert.tokenizers` and `bert.model`; no other room of `exporter`.
"""
