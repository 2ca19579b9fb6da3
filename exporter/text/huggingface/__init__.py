"""Hugging Face's BERT tokenizer in graph: its table, its added tokens, its order of marks."""
