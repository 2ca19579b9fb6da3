"""Hugging Face's BERT tokenizer in Python, over data read from the library."""
