"""Every name that clients and servers see: signatures, inputs, files, tag and methods."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bert.tasks import Task

TEXT = "text"
LABELS = "labels"
FEATURES = "features"
FEATURES_WITH_LABEL_IDS = "features_with_label_ids"
CLASSIFY = "classify"
REGRESS = "regress"
EMBEDDING = "embedding"
TOKEN_EMBEDDINGS = "token_embeddings"
ENTITIES = "entities"
TAGS = "tags"
ANSWERS = "answers"
TOKENIZE = "tokenize"
SERVING_DEFAULT = "serving_default"

# The inputs of text signatures.
TEXT_INPUT = ("text",)
TEXT_PAIR_INPUTS = ("text_a", "text_b")


def text_inputs(task: "Task", text_pair: bool) -> tuple[str, ...]:
    """The inputs of the text signatures of a task."""
    return task.text_names or (TEXT_PAIR_INPUTS if text_pair else TEXT_INPUT)


# The inputs of features; the last one is of the recipe that exported run_classifier's models.
INPUT_IDS = "input_ids"
INPUT_MASK = "input_mask"
SEGMENT_IDS = "segment_ids"
LABEL_IDS = "label_ids"
FEATURE_INPUTS = (INPUT_IDS, INPUT_MASK, SEGMENT_IDS)

# The output of `tokenize` that says whether a row's texts were cut.
TRUNCATED = "truncated"

# That recipe's one output.
RECIPE_OUTPUT = "output"

# The requests of TensorFlow Serving's API other than predict, and the tensors that it asks for:
# serialized tf.Examples, and a regression's values (tensorflow/core/protobuf/meta_graph.proto).
CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"
EXAMPLES_INPUT = "inputs"
REGRESS_OUTPUT = "outputs"

# What `serving_default` may be.
DEFAULT_SIGNATURES = (TEXT, FEATURES, FEATURES_WITH_LABEL_IDS)

# How tokens with labels become entities, named as in transformers' pipeline: each token for itself,
# neighbours together, and the same after each word has got one label.
NONE = "none"
SIMPLE = "simple"
FIRST = "first"
AVERAGE = "average"
MAX = "max"
AGGREGATION_STRATEGIES = (NONE, SIMPLE, FIRST, AVERAGE, MAX)

# transformers, FillMaskPipeline.postprocess: how many words fill a mask.
DEFAULT_TOP_K = 5

# The tag of the meta graph that a server loads.
SERVE_TAG = "serve"

# Files of a version directory.
GRAPH_FILE = "saved_model.pb"
TEXT_GRAPH_FILE = "saved_model.pbtxt"
GRAPH_FILES = (GRAPH_FILE, TEXT_GRAPH_FILE)
ASSETS = "assets"
EXTRA_ASSETS = "assets.extra"
VOCABULARY_ASSET = f"{ASSETS}/vocab.txt"
WARMUP_FILE = f"{EXTRA_ASSETS}/tf_serving_warmup_requests"
REPORT_FILE = f"{EXTRA_ASSETS}/export.json"
CARD_FILE = f"{EXTRA_ASSETS}/README.md"
