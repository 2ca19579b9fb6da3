"""Makes models with TensorFlow Model Garden's own code, and what it says of texts.

    TF_USE_LEGACY_KERAS=1 python -m tests.oracles.model_garden_models OUTPUT_DIR REQUEST.json

Runs in an environment of its own (`model_garden_environment.py`) and imports nothing of this
project but `model_garden_maker.py`. REQUEST.json holds `vocabularies`: {"uncased": FILE,
"cased": FILE}, `texts`: a list, and `pairs`: a list of two texts each. Models have two layers of
width 32, 64 positions and weights so large that every token moves the answer; texts are cut to 48
tokens. OUTPUT_DIR gets:

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

import tensorflow as tf
import tf_keras
from official.core import base_trainer, train_lib, train_utils
from official.modeling import hyperparams, tf_utils
from official.nlp import modeling
from official.nlp.configs import encoders, finetuning_experiments
from official.nlp.serving import export_savedmodel_util, serving_modules
from official.nlp.tasks import sentence_prediction
from official.nlp.tools import export_tfhub_lib

from tests.oracles.model_garden_maker import LENGTH, Maker


class ModelMaker(Maker):
    """Makes one model after the other."""

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
        best = self.output_dir / "checkpoints" / "best"
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

    def export_classifier(self, name: str, checkpoint: str, function: str = "serve") -> None:
        """A SavedModel as Model Garden serves sentence prediction, of a checkpoint."""
        directory = self.output_dir / "checkpoints" / checkpoint
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
            str(self.output_dir / "saved_models" / name),
            checkpoint_path=tf.train.latest_checkpoint(str(directory)),
            timestamped=False,
        )
        shutil.copy(self.output_dir / f"{checkpoint}.npz", self.output_dir / f"{name}.npz")

    def encoder(self, name: str, casing: str, saved_model: str) -> None:
        """An encoder alone: a checkpoint, and of it what TF Hub has."""
        config = self.encoder_config(casing)
        built = encoders.build_encoder(config)
        self.randomize(built, name)
        directory = self.directory(name, self.experiment(casing, encoder=config), casing)
        prefix = tf.train.Checkpoint(model=built, encoder=built).save(str(directory / "ckpt"))
        self.answer(name, built, casing)
        export_tfhub_lib.export_model(
            str(self.output_dir / "saved_models" / saved_model),
            encoder_config=config,
            model_checkpoint_path=prefix,
            with_mlm=False,
            vocab_file=str(directory / "vocab.txt"),
            do_lower_case=casing == "uncased",
        )
        shutil.copy(self.output_dir / f"{name}.npz", self.output_dir / f"{saved_model}.npz")

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
    maker = ModelMaker(output_dir, request)
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
        default_seq_length=LENGTH,
    )


if __name__ == "__main__":
    main()
