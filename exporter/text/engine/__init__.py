"""The parts of which in-graph tokenizers are made; no library's rule is written here."""
