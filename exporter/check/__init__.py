"""Audits a SavedModel against the TensorFlow Serving that is to run it."""
