"""BERT models: read them, run them, train them."""
