"""The activations a BERT configuration can name, under one unambiguous name each.

The same word means different curves in different libraries: `gelu` is the tanh
approximation in google-research/bert (`modeling.py`, `gelu`) and the exact error
function in Hugging Face transformers. A reader of a configuration translates the
library's word into one of these names once; nothing after it has to know.
"""

GELU_TANH = "gelu_tanh"
GELU_ERF = "gelu_erf"
RELU = "relu"
TANH = "tanh"
LINEAR = "linear"

ACTIVATIONS = (GELU_TANH, GELU_ERF, RELU, TANH, LINEAR)

# google-research/bert, modeling.py, get_activation
GOOGLE_RESEARCH_NAMES = {"gelu": GELU_TANH, "relu": RELU, "tanh": TANH, "linear": LINEAR}
