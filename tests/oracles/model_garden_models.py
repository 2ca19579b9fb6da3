"""Makes models with TensorFlow Model Garden's own code, and what it says of texts.

    TF_USE_LEGACY_KERAS=1 python tests/oracles/model_garden_models.py OUTPUT_DIR REQUEST.json

Runs in an environment of its own (`model_garden_environment.py`) and imports nothing of this
project. REQUEST.json holds `vocabularies`: {"uncased": FILE, "cased": FILE}, `texts`: a list,
and `pairs`: a list of two texts each. Models have two layers of width 32, 64 positions and weights
so large that every token moves the answer; texts are cut to 48 tokens. OUTPUT_DIR gets:

    saved_models/hub_encoder/            export_tfhub_lib.export_model: signature inputs
    saved_models/hub_encoder_cased/      input_word_ids, input_mask, input_type_ids, int32
                                         [None, None]; outputs pooled_output, default, ...;
                                         assets vocab.txt; variable do_lower_case
    saved_models/classifier/             export_savedmodel_util.export of the serving module of
                                         sentence prediction; the same inputs; output `outputs`,
                                         float32 [None, 3]: the LOGITS. No assets.
    saved_models/classifier_probability/ the same, serving module's `serve_probability`
    saved_models/regressor/              the first again, one output
    saved_models/preprocessing/          export_tfhub_lib.export_preprocessing, uncased
    checkpoints/NAME/                    `checkpoint`, ckpt-N.index, ckpt-N.data-*, params.yaml
                                         and vocab.txt:
        trained       Model Garden's trainer on texts: optimizer slots, global_step, ...
        trained_pairs the same on pairs of texts
        best          the trainer's best checkpoint, in best_ckpt/ below params.yaml
        head_pooler   tf.train.Checkpoint(model=...): the head has a pooler of its own
        encoder_pooler the same with use_encoder_pooler
        cased         the same, cased
        version_2     the same of BertEncoderV2
        relu, regression
        encoder, encoder_cased the encoder alone, tf.train.Checkpoint(encoder=...)
        pretrainer    BertPretrainerV2 with masked_lm and next_sentence heads
        albert        an ALBERT, which is not BERT
    NAME.npz for every checkpoint and every SavedModel of a model: `input_word_ids`, `input_mask`,
        `input_type_ids`, int32 [texts, 48], padded, from the text processor of sentence prediction
        (trained_pairs: of pairs); `pooled_output` float32 [texts, 32] of encoders; `logits` and
        `probabilities` float32 [texts, 3] of classifiers; `logits` [texts, 1] of regressions.
        All as the model in memory says them.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from official.core import base_trainer, config_definitions, train_lib, train_utils
from official.modeling import hyperparams, tf_utils
from official.nlp import modeling
from official.nlp.configs import encoders, finetuning_experiments
from official.nlp.data import sentence_prediction_dataloader
from official.nlp.serving import export_savedmodel_util, serving_modules
from official.nlp.tasks import sentence_prediction
from official.nlp.tools import export_tfhub_lib

_LENGTH = 48
_CLASSES = 3
_NAMES = ("input_word_ids", "input_mask", "input_type_ids")


class Maker:
    """Makes one model after the other."""

    def __init__(self, output_dir: Path, request: dict[str, Any]) -> None:
        self._output_dir = output_dir
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
            "input_path": str(self._output_dir / ("pairs" if pairs else "texts")),
            "text_fields": ["first", "second"] if pairs else ["text"],
            "vocab_file": self._vocabularies[casing],
            "lower_case": casing == "uncased",
            "seq_length": _LENGTH,
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
            with tf.io.TFRecordWriter(str(self._output_dir / name)) as writer:
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
            seq_length=_LENGTH,
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
        directory = self._output_dir / "checkpoints" / name
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
            self._output_dir / f"{name}.npz", **{name: np.array(a) for name, a in arrays.items()}
        )

    def train(self, name: str, pairs: bool = False) -> None:
        """A fine-tuning by Model Garden's trainer."""
        experiment = self.experiment(pairs=pairs)
        directory = self.directory(name, experiment, "uncased")
        task = sentence_prediction.SentencePredictionTask(experiment.task)
        trainer: base_trainer.Trainer = train_utils.create_trainer(
            experiment,
            task,
            train=True,
            evaluate=True,
            checkpoint_exporter=train_utils.maybe_create_best_ckpt_exporter(
                experiment, str(directory)
            ),
        )
        model, _ = train_lib.run_experiment(
            tf.distribute.get_strategy(),
            task,
            "train_and_eval",
            experiment,
            str(directory),
            save_summary=False,
            trainer=trainer,
        )
        self.answer(name, model, pairs=pairs)
        if pairs:
            return
        # The best checkpoint may be of an earlier step.
        best = self._output_dir / "checkpoints" / "best"
        best.mkdir()
        shutil.copy(directory / "params.yaml", best)
        shutil.copy(directory / "vocab.txt", best)
        shutil.move(directory / "best_ckpt", best / "best_ckpt")
        model = task.build_model()
        latest = tf.train.latest_checkpoint(str(best / "best_ckpt"))
        tf.train.Checkpoint(model=model).read(latest).expect_partial()
        self.answer("best", model)

    def classifier(self, name: str, casing: str = "uncased", **model: Any) -> tf_keras.Model:
        """A classifier of random weights, written as a checkpoint without an optimizer."""
        experiment = self.experiment(casing, **model)
        task = sentence_prediction.SentencePredictionTask(experiment.task)
        built = task.build_model()
        self.randomize(built, name)
        directory = self.directory(name, experiment, casing)
        tf.train.Checkpoint(model=built).save(str(directory / "ckpt"))
        self.answer(name, built, casing)
        return built

    def randomize(self, model: Any, name: str) -> None:
        """Moves biases and layer norms, too, away from what they start with."""
        generator = np.random.default_rng(len(name))
        for variable in model.trainable_variables:
            variable.assign_add(generator.normal(scale=0.2, size=variable.shape))

    def export_classifier(self, name: str, checkpoint: str, function: str = "serve") -> None:
        """A SavedModel as Model Garden serves sentence prediction, of a checkpoint."""
        directory = self._output_dir / "checkpoints" / checkpoint
        experiment = hyperparams.override_params_dict(
            finetuning_experiments.bert_sentence_prediction_text(),
            str(directory / "params.yaml"),
            is_strict=True,
        )
        task = sentence_prediction.SentencePredictionTask(experiment.task)
        params = serving_modules.SentencePrediction.Params(inputs_only=False)
        module = serving_modules.SentencePrediction(params=params, model=task.build_model())
        if function != "serve":
            # The exporter has `serve` alone among the functions that take ids.
            module.serve = getattr(module, function)
        export_savedmodel_util.export(
            module,
            ["serve"],
            str(self._output_dir / "saved_models" / name),
            checkpoint_path=tf.train.latest_checkpoint(str(directory)),
            timestamped=False,
        )
        shutil.copy(self._output_dir / f"{checkpoint}.npz", self._output_dir / f"{name}.npz")

    def encoder(self, name: str, casing: str, saved_model: str) -> None:
        """An encoder alone: a checkpoint, and of it what TF Hub has."""
        config = self.encoder_config(casing)
        built = encoders.build_encoder(config)
        self.randomize(built, name)
        directory = self.directory(name, self.experiment(casing, encoder=config), casing)
        prefix = tf.train.Checkpoint(model=built, encoder=built).save(str(directory / "ckpt"))
        self.answer(name, built, casing)
        export_tfhub_lib.export_model(
            str(self._output_dir / "saved_models" / saved_model),
            encoder_config=config,
            model_checkpoint_path=prefix,
            with_mlm=False,
            vocab_file=str(directory / "vocab.txt"),
            do_lower_case=casing == "uncased",
        )
        shutil.copy(self._output_dir / f"{name}.npz", self._output_dir / f"{saved_model}.npz")

    def pretrainer(self, name: str) -> None:
        """The checkpoint of a pre-training, whose pooler is in the head of next sentences."""
        config = self.encoder_config()
        head = modeling.layers.ClassificationHead(inner_dim=32, num_classes=2, name="next_sentence")
        built = modeling.models.BertPretrainerV2(
            encoder_network=encoders.build_encoder(config),
            classification_heads=[head],
            mlm_activation=tf_utils.get_activation("gelu"),
        )
        built(built.inputs)
        self.randomize(built, name)
        directory = self.directory(name, self.experiment(encoder=config), "uncased")
        tf.train.Checkpoint(**built.checkpoint_items).save(str(directory / "ckpt"))
        built.encoder_network.pooler_layer.set_weights(head.dense.get_weights())
        self.answer(name, built.encoder_network)

    def albert(self, name: str) -> None:
        """A classifier on another encoder, which has no answers here."""
        config = self.encoder_config(kind="albert", embedding_width=16)
        experiment = self.experiment(encoder=config)
        built = sentence_prediction.SentencePredictionTask(experiment.task).build_model()
        directory = self.directory(name, experiment, "uncased")
        tf.train.Checkpoint(model=built).save(str(directory / "ckpt"))


def main() -> None:
    output_dir = Path(sys.argv[1])
    output_dir.mkdir(parents=True, exist_ok=True)
    request = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    tf_keras.utils.set_random_seed(1)
    maker = Maker(output_dir, request)
    maker.write_examples()
    maker.train("trained")
    maker.train("trained_pairs", pairs=True)
    maker.classifier("head_pooler")
    maker.classifier("encoder_pooler", use_encoder_pooler=True)
    maker.classifier("cased", "cased", encoder=maker.encoder_config("cased"))
    maker.classifier("version_2", encoder=maker.encoder_config(kind="bert_v2"))
    maker.classifier("relu", encoder=maker.encoder_config(hidden_activation="relu"))
    maker.classifier("regression", num_classes=1)
    maker.encoder("encoder", "uncased", "hub_encoder")
    maker.encoder("encoder_cased", "cased", "hub_encoder_cased")
    maker.pretrainer("pretrainer")
    maker.albert("albert")
    maker.export_classifier("classifier", "head_pooler")
    maker.export_classifier("classifier_probability", "head_pooler", "serve_probability")
    maker.export_classifier("regressor", "regression")
    export_tfhub_lib.export_preprocessing(
        str(output_dir / "saved_models" / "preprocessing"),
        vocab_file=request["vocabularies"]["uncased"],
        do_lower_case=True,
        tokenize_with_offsets=False,
        default_seq_length=_LENGTH,
    )


if __name__ == "__main__":
    main()
