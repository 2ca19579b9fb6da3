"""SavedModels as others make them, with tensorflow_text's tokenizers in the graph."""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
import tensorflow_text

from tests.tiny_model import SPECIAL_TOKENS, tiny_tokens

_CLS, _SEP = SPECIAL_TOKENS.index("[CLS]"), SPECIAL_TOKENS.index("[SEP]")


def save_model_garden_preprocessing(directory: Path, vocabulary_file: Path) -> Path:
    """Saves BertTokenizer, RoundRobinTrimmer, combine_segments and pad_model_inputs.

    That is how the preprocessing models of TensorFlow Hub and Model Garden are built.
    """
    module = tf.Module()
    module.tokenizer = tensorflow_text.BertTokenizer(str(vocabulary_file), lower_case=True)
    trimmer = tensorflow_text.RoundRobinTrimmer(max_seq_length=14)

    def preprocess(sentences: tf.Tensor) -> dict[str, tf.Tensor]:
        tokens = module.tokenizer.tokenize(sentences).merge_dims(1, 2)
        segments = trimmer.trim([tf.cast(tokens, tf.int32)])
        ids, types = tensorflow_text.combine_segments(segments, _CLS, _SEP)
        padded, mask = tensorflow_text.pad_model_inputs(ids, 16)
        type_ids, _ = tensorflow_text.pad_model_inputs(types, 16)
        return {"input_word_ids": padded, "input_mask": mask, "input_type_ids": type_ids}

    return _save(module, directory, preprocess)


def save_fast_bert(directory: Path, guarded: bool) -> Path:
    """Saves FastBertTokenizer, whose input has `tf.ensure_shape` where it is guarded."""
    tokenizer = tensorflow_text.FastBertTokenizer(
        list(tiny_tokens()), lower_case_nfd_strip_accents=True
    )

    def tokenize(sentences: tf.Tensor) -> dict[str, tf.Tensor]:
        if guarded:
            sentences = tf.ensure_shape(sentences, [None])
        return {"ids": tokenizer.tokenize(sentences).to_tensor(shape=[None, 16])}

    return _save(tf.Module(), directory, tokenize)


def _save(
    module: tf.Module, directory: Path, function: Callable[..., dict[str, tf.Tensor]]
) -> Path:
    specification = tf.TensorSpec([None], tf.string, name="sentences")
    module.function = tf.function(function, input_signature=[specification])
    tf.saved_model.save(module, str(directory), signatures={"serving_default": module.function})
    return directory
