"""A local REST server with TensorFlow Serving's URLs, for a first try without Docker."""
