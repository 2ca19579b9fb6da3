"""Makes a fine-tuned BERT answer plain text on a TensorFlow Serving deployment."""
