"""Every name that clients and servers see: signatures, inputs, files, tag and methods."""

TEXT = "text"
LABELS = "labels"
FEATURES = "features"
FEATURES_WITH_LABEL_IDS = "features_with_label_ids"
CLASSIFY = "classify"
REGRESS = "regress"
EMBEDDING = "embedding"
TOKENIZE = "tokenize"
SERVING_DEFAULT = "serving_default"

# The inputs of text signatures.
TEXT_INPUT = ("text",)
TEXT_PAIR_INPUTS = ("text_a", "text_b")

# What `serving_default` may be.
DEFAULT_SIGNATURES = (TEXT, FEATURES, FEATURES_WITH_LABEL_IDS)

# What weights may be stored in.
FLOAT32 = "float32"
BFLOAT16 = "bfloat16"
PRECISIONS = (FLOAT32, BFLOAT16)

# The tag of the meta graph that a server loads.
SERVE_TAG = "serve"

# Files of a version directory.
GRAPH_FILE = "saved_model.pb"
TEXT_GRAPH_FILE = "saved_model.pbtxt"
GRAPH_FILES = (GRAPH_FILE, TEXT_GRAPH_FILE)
VOCABULARY_ASSET = "assets/vocab.txt"
WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
REPORT_FILE = "assets.extra/export.json"
