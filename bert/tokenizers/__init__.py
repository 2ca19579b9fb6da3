"""Text to ids in Python, as each library does it; the reference of the in-graph tokenizers.

`exporter.text` is verified against these. They know neither TensorFlow nor checkpoints.
"""
