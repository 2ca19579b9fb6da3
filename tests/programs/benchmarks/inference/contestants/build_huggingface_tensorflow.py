"""A SavedModel of transformers' TFBertTokenizer and TFBertForSequenceClassification.

    python -m \
    tests.programs.benchmarks.inference.contestants.build_huggingface_tensorflow CHECKPOINT OUTPUT
"""

import os
import sys
from pathlib import Path

# transformers' TensorFlow models are written for Keras 2.
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import tensorflow as tf
from safetensors.tensorflow import load_file
from transformers import BertConfig, TFBertForSequenceClassification, TFBertTokenizer
from transformers.modeling_tf_pytorch_utils import load_pytorch_state_dict_in_tf2_model

_MAX_SEQ_LENGTH = 512


def build_huggingface_tensorflow(checkpoint: Path, output_dir: Path) -> None:
    # `from_pretrained` iterates over a file that today's safetensors does not let it iterate over.
    model = TFBertForSequenceClassification(BertConfig.from_pretrained(checkpoint))
    model.build_in_name_scope()
    load_pytorch_state_dict_in_tf2_model(
        model, load_file(checkpoint / "model.safetensors"), tf_inputs=False
    )
    tokenizer = TFBertTokenizer.from_pretrained(
        str(checkpoint), padding="longest", max_length=_MAX_SEQ_LENGTH, truncation=True
    )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def text(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": tf.nn.softmax(model(**tokenizer(text), training=False).logits)}

    module = tf.Module()
    module.model, module.tokenizer, module.text = model, tokenizer, text
    tf.saved_model.save(module, str(output_dir), signatures={"text": text})


if __name__ == "__main__":
    build_huggingface_tensorflow(Path(sys.argv[1]), Path(sys.argv[2]))
