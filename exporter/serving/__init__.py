"""What TensorFlow Serving needs of a SavedModel."""
