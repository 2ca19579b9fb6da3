"""The variable names of google-research/bert and the shapes a configuration gives them."""

from bert.config import BertConfig

EMBEDDINGS = "bert/embeddings"
EMBEDDINGS_PROJECTION = "bert/embeddings_project"
RELATIVE_ATTENTION_BIAS = "bert/encoder/relative_attention_bias"
POOLER = "bert/pooler/dense"
# run_pretraining.py, get_masked_lm_output; its output layer is the table of word embeddings.
MASKED_WORDS = "cls/predictions"
MASKED_WORDS_TRANSFORM = f"{MASKED_WORDS}/transform"
MASKED_WORDS_BIAS = f"{MASKED_WORDS}/output_bias"
MASKED_WORDS_OUTPUT = f"{MASKED_WORDS}/output_weights"
OUTPUT_WEIGHTS = "output_weights"
OUTPUT_BIAS = "output_bias"

# The dense layers of an encoder layer, within its scope.
ATTENTION_OUTPUT = "attention/output/dense"
INTERMEDIATE = "intermediate/dense"
OUTPUT = "output/dense"

# Those of its attention.
PROJECTIONS = ("query", "key", "value")


def layer(index: int | str) -> str:
    """The name scope of encoder layer `index`; a word for one that stands for several."""
    return f"bert/encoder/layer_{index}"


def self_attention(index: int | str) -> str:
    """The name scope of the query, key and value of encoder layer `index`."""
    return f"{layer(index)}/attention/self"


def projection(index: int) -> str:
    """The name scope of a dense layer behind the pooling."""
    return f"projection_{index}"


def encoder_shapes(config: BertConfig) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the variables of `modeling.py`'s `BertModel` that the encoder has."""
    hidden, inner, width = config.hidden_size, config.intermediate_size, config.table_width
    rows = {
        "word_embeddings": config.vocab_size,
        "token_type_embeddings": config.type_vocab_size,
        "position_embeddings": config.max_position_embeddings,
    }
    shapes: dict[str, tuple[int, ...]] = {
        f"{EMBEDDINGS}/{table}": (count, width) for table, count in rows.items() if count
    }
    shapes |= _layer_norm(EMBEDDINGS, width)
    if config.embedding_size is not None:
        shapes |= _dense(EMBEDDINGS_PROJECTION, width, hidden)
    buckets = config.relative_attention_buckets
    if buckets:
        shapes[RELATIVE_ATTENTION_BIAS] = (buckets, config.num_attention_heads)
    for index in range(config.num_hidden_layers):
        scope = layer(index)
        for projection in PROJECTIONS:
            shapes |= _dense(f"{self_attention(index)}/{projection}", hidden, hidden)
        shapes |= _dense(f"{scope}/{ATTENTION_OUTPUT}", hidden, hidden)
        shapes |= _layer_norm(f"{scope}/attention/output", hidden)
        shapes |= _dense(f"{scope}/{INTERMEDIATE}", hidden, inner)
        shapes |= _dense(f"{scope}/{OUTPUT}", inner, hidden)
        shapes |= _layer_norm(f"{scope}/output", hidden)
    return shapes | _dense(POOLER, hidden, hidden) if config.has_pooler else shapes


def classifier_shapes(config: BertConfig, num_labels: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the classifier of `run_classifier.py`'s `create_model`."""
    return {OUTPUT_WEIGHTS: (num_labels, config.hidden_size), OUTPUT_BIAS: (num_labels,)}


def masked_word_shapes(config: BertConfig) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the head of `run_pretraining.py` that tells masked words."""
    width = config.table_width
    return {
        **_dense(f"{MASKED_WORDS_TRANSFORM}/dense", config.hidden_size, width),
        **_layer_norm(MASKED_WORDS_TRANSFORM, width),
        MASKED_WORDS_BIAS: (config.vocab_size,),
    }


def _dense(scope: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{scope}/kernel": (inputs, outputs), f"{scope}/bias": (outputs,)}


def _layer_norm(scope: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{scope}/LayerNorm/gamma": (width,), f"{scope}/LayerNorm/beta": (width,)}
