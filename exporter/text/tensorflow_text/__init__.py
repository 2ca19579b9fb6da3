"""TensorFlow Text's BERT tokenizers, with characters in place of their byte offsets."""
