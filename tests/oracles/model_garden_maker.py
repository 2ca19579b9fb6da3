"""What all models have that are made with Model Garden's code: data, parameters, answers.

Imported by `model_garden_models.py`, which runs in an environment of its own.
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from official.core import config_definitions, train_utils
from official.nlp.configs import encoders, finetuning_experiments
from official.nlp.data import sentence_prediction_dataloader
from official.nlp.tasks import sentence_prediction

LENGTH = 48
_CLASSES = 3
_NAMES = ("input_word_ids", "input_mask", "input_type_ids")


class Maker:
    """Writes into one folder."""

    def __init__(self, output_dir: Path, request: dict[str, Any]) -> None:
        self.output_dir = output_dir
        self._vocabularies: dict[str, str] = request["vocabularies"]
        self._texts: list[str] = request["texts"]
        self._pairs: list[list[str]] = request["pairs"]

    def encoder_config(
        self, casing: str = "uncased", kind: str = "bert", **changes: Any
    ) -> encoders.EncoderConfig:
        """Two layers of width 32."""
        lines = Path(self._vocabularies[casing]).read_text(encoding="utf-8").split("\n")
        sizes = {
            "vocab_size": len(lines) - 1,
            "hidden_size": 32,
            "num_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 64,
        }
        config = encoders.EncoderConfig(type=kind)
        for name, value in {**sizes, "initializer_range": 0.3, **changes}.items():
            setattr(config.get(), name, value)
        return config

    def experiment(
        self, casing: str = "uncased", pairs: bool = False, **model: Any
    ) -> config_definitions.ExperimentConfig:
        """The experiment whose fields params.yaml holds."""
        data = {
            "input_path": str(self.output_dir / ("pairs" if pairs else "texts")),
            "text_fields": ["first", "second"] if pairs else ["text"],
            "vocab_file": self._vocabularies[casing],
            "lower_case": casing == "uncased",
            "seq_length": LENGTH,
            "global_batch_size": 16,
        }
        experiment = finetuning_experiments.bert_sentence_prediction_text()
        experiment.task.model = sentence_prediction.ModelConfig(
            **{"num_classes": _CLASSES, "encoder": self.encoder_config(casing), **model}
        )
        experiment.task.train_data.override(data)
        experiment.task.validation_data.override({**data, "drop_remainder": False})
        experiment.trainer.override(
            {
                "train_steps": 4,
                "steps_per_loop": 2,
                "validation_interval": 2,
                "validation_steps": 1,
                "checkpoint_interval": 2,
                "best_checkpoint_export_subdir": "best_ckpt",
                "best_checkpoint_eval_metric": "cls_accuracy",
                "optimizer_config": {
                    "learning_rate": {
                        "polynomial": {"initial_learning_rate": 1e-2, "decay_steps": 4}
                    },
                    "warmup": {"polynomial": {"warmup_steps": 1}},
                },
            }
        )
        return experiment

    def write_examples(self) -> None:
        """Texts and pairs as training data."""
        for name, fields, rows in (
            ("texts", ["text"], [[text] for text in self._texts]),
            ("pairs", ["first", "second"], self._pairs),
        ):
            with tf.io.TFRecordWriter(str(self.output_dir / name)) as writer:
                for index, row in enumerate(rows):
                    features = {
                        field: tf.train.Feature(
                            bytes_list=tf.train.BytesList(value=[value.encode()])
                        )
                        for field, value in zip(fields, row, strict=True)
                    }
                    features["label"] = tf.train.Feature(
                        int64_list=tf.train.Int64List(value=[index % _CLASSES])
                    )
                    example = tf.train.Example(features=tf.train.Features(feature=features))
                    writer.write(example.SerializeToString())

    def features(self, casing: str, pairs: bool = False) -> dict[str, tf.Tensor]:
        """What the text processor of sentence prediction makes of texts or pairs."""
        processor = sentence_prediction_dataloader.TextProcessor(
            seq_length=LENGTH,
            vocab_file=self._vocabularies[casing],
            tokenization="WordPiece",
            lower_case=casing == "uncased",
        )
        rows = self._pairs if pairs else [[text] for text in self._texts]
        return processor([tf.constant(column) for column in zip(*rows, strict=True)])

    def directory(
        self, name: str, experiment: config_definitions.ExperimentConfig, casing: str
    ) -> Path:
        """A directory of a checkpoint, with params.yaml and vocab.txt in it."""
        directory = self.output_dir / "checkpoints" / name
        directory.mkdir(parents=True)
        train_utils.serialize_config(experiment, str(directory))
        shutil.copy(self._vocabularies[casing], directory / "vocab.txt")
        return directory

    def answer(self, name: str, model: Any, casing: str = "uncased", pairs: bool = False) -> None:
        """Writes NAME.npz."""
        features = self.features(casing, pairs)
        # BertEncoderV2 is a layer; what comes of texts is the same.
        said = model({name: features[name] for name in _NAMES}, training=False)
        if isinstance(said, dict):
            answers = {"pooled_output": said["pooled_output"]}
        else:
            answers = {"logits": said}
            if said.shape[1] > 1:
                answers["probabilities"] = tf.nn.softmax(said)
        arrays = {**{name: features[name] for name in _NAMES}, **answers}
        np.savez(
            self.output_dir / f"{name}.npz", **{name: np.array(a) for name, a in arrays.items()}
        )

    def randomize(self, model: Any, name: str) -> None:
        """Moves biases and layer norms, too, away from what they start with."""
        generator = np.random.default_rng(len(name))
        for variable in model.trainable_variables:
            variable.assign_add(generator.normal(scale=0.2, size=variable.shape))
