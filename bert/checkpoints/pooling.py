"""Another pooling than a model's own, as the flags ask for it."""

import dataclasses
from collections.abc import Sequence

from bert.checkpoints.options import POOLING_STRATEGIES, ReadOptions
from bert.errors import UserError
from bert.model import FineTunedModel
from bert.tasks import ALL_TOKENS, TOKEN_EMBEDDING, Pooling
from bert.variables import encoder_shapes

# The default of --pooling_layer.
_LAST_LAYER = ("-1",)

FLAGS = ("pooling_strategy", "pooling_layer", "normalize")


def with_pooling(model: FineTunedModel, options: ReadOptions) -> FineTunedModel:
    """The model with the pooling of the flags, without the layers and weights that it leaves over.

    Raises:
      UserError: a flag does not fit the model.
    """
    given = [flag for flag in FLAGS if getattr(options, flag) is not None]
    if not given:
        return model
    if model.task.has_head:
        raise UserError(
            f"--{given[0]} is given, but the task of the model is {model.task}, not embedding: "
            "give --task=embedding, or leave the flag out."
        )
    pooling = _pooling(model, options)
    layers = _layers(options.pooling_layer or _LAST_LAYER, model.config.num_hidden_layers)
    if pooling.needs_pooler and layers != (model.config.num_hidden_layers - 1,):
        raise UserError(
            f"--pooling_layer is {','.join(options.pooling_layer or ())}, but the pooler reads the "
            "last layer alone: give another --pooling_strategy, such as REDUCE_MEAN."
        )
    count = max(layers) + 1
    config = dataclasses.replace(
        model.config, num_hidden_layers=count, has_pooler=pooling.needs_pooler
    )
    unused = encoder_shapes(model.config).keys() - encoder_shapes(config).keys()
    return dataclasses.replace(
        model,
        config=config,
        weights={name: value for name, value in model.weights.items() if name not in unused},
        pooling=dataclasses.replace(pooling, layers=tuple(layer - count for layer in layers)),
        task=TOKEN_EMBEDDING if pooling.mode == ALL_TOKENS else model.task,
    )


def _pooling(model: FineTunedModel, options: ReadOptions) -> Pooling:
    pooling = model.pooling
    if pooling.projections and (options.pooling_strategy or options.pooling_layer):
        raise UserError(
            "--pooling_strategy or --pooling_layer is given, but the model has a dense layer "
            "behind its own pooling: leave both flags out."
        )
    if options.pooling_strategy is not None:
        pooling = dataclasses.replace(pooling, mode=POOLING_STRATEGIES[options.pooling_strategy])
    if options.normalize is not None:
        pooling = dataclasses.replace(pooling, normalize=options.normalize)
    if pooling.needs_pooler and not model.config.has_pooler:
        raise UserError(
            "--pooling_strategy is POOLER, but the model has no pooler: give another strategy, "
            "such as REDUCE_MEAN."
        )
    if pooling.mode == ALL_TOKENS and (pooling.normalize or pooling.dimensions):
        raise UserError(
            "--pooling_strategy is NONE, and the embedding of the model is divided by its length "
            "or cut, which is not built for vectors of tokens: give --nonormalize with a model "
            "whose truncate_dim is not set."
        )
    return pooling


def _layers(words: Sequence[str], count: int) -> tuple[int, ...]:
    """The numbers from 0 of the layers that the flag names."""
    try:
        numbers = [int(word) for word in words]
    except ValueError:
        numbers = []
    if not numbers or not all(-count <= number < count for number in numbers):
        raise UserError(
            f"--pooling_layer is {','.join(words)}, where numbers from {-count} to {count - 1} are "
            f"expected, with commas between, since the model has {count} layers: correct the flag."
        )
    return tuple(number % count for number in numbers)
