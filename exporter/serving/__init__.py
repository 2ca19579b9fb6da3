"""The ops that releases of TensorFlow Serving can run, and the gate that refuses others."""
