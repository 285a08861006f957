"""The settings of the training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tracelate.config_section import MAX_COUNT, Count, Fraction, Reason, Section

MonitorName = Literal["bleu", "chrf", "loss"]


class TrainConfig(Section):
    """The training: its length, optimiser, batches and regularisation."""

    seed: Annotated[int, Field(ge=0, le=2**32 - 1), Reason("since numpy's seeds have 32 bits")]
    """Seed of the first weights, the order of batches and the dropout masks."""
    epochs: Count
    """Most passes over the training text; early stopping, max_steps or max_hours may end the
    training before."""
    max_steps: Count | None = None
    """Most optimiser steps, at which the learning rate has fallen to its end; null: as many as the
    epochs have."""
    max_hours: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Most hours of training, validation and earlier parts of a resumed training included; null: no
    limit. The weights then depend on the speed of the machine."""
    validate_every: Count | None = None
    """Number of optimiser steps after which the weights are validated, and again; null: after each
    epoch. The training's end is validated too."""
    warmup_steps: Annotated[int, Field(ge=0, le=MAX_COUNT)]
    """Number of optimiser steps in which the learning rate rises linearly from 0 to
    learning_rate."""
    learning_rate: Annotated[float, Field(gt=0, le=1e38), Reason("since float32 ends there")]
    """Learning rate of Adam (Kingma and Ba 2015) after the warm-up."""
    final_learning_rate_factor: Annotated[float, Field(ge=0, le=1)]
    """Learning rate of the last step, divided by learning_rate; half a cosine leads to it
    (Loshchilov and Hutter 2017)."""
    adam_beta1: Fraction
    """Decay of Adam's average of the gradient, for each step (Kingma and Ba 2015)."""
    adam_beta2: Fraction
    """Decay of Adam's average of the squared gradient; 0.98 in Vaswani et al. 2017, section 5.3."""
    adam_epsilon: Annotated[float, Field(gt=0, le=1_000)]
    """Number that Adam adds to the root of the average squared gradient before dividing by it."""
    batch_tokens: Count
    """Most tokens in a batch of all devices together: its number of pairs times the length of its
    longest side, padding included. It sets the number of optimiser steps, so it is tracked."""
    length_noise: Annotated[float, Field(ge=0, le=1_000)]
    """Pairs are sorted into batches by their length times a random factor between 1 and 1 +
    length_noise, so that each epoch has other batches; 0: by length alone."""
    bpe_dropout: Fraction = 0.0
    """Probability of BPE dropout (Provilkov et al. 2020; 0.1 there): that a merge of pieces is left
    out when a training pair is segmented again for an epoch. Batches may then have more tokens than
    batch_tokens, which counts those without dropout. 0: the same pieces in each epoch, as in a
    params.yaml from before this setting. Validation and translation have no dropout."""
    label_smoothing: Fraction
    """Probability that the training target spreads evenly over the vocabulary (Szegedy et al. 2016,
    section 7; 0.1 in Vaswani et al. 2017, section 5.4)."""
    gradient_clip_norm: Annotated[float, Field(gt=0, le=1e30), Reason("since float32 ends there")]
    """Largest L2 norm of the gradient of all weights; a larger gradient is scaled down to it
    (Pascanu et al. 2013)."""
    max_skipped_batches: Annotated[int, Field(ge=0, le=MAX_COUNT)] = 0
    """Most batches without a finite loss and gradient that are skipped; with one more, the training
    ends. 0: it ends with the first."""
    weight_average_decay: Fraction
    """Decay, for each step, of the moving average of the weights (Polyak and Juditsky 1992), which
    is validated and kept in place of the weights; 0: no average."""
    monitor: MonitorName
    """Value of the validation that chooses the best weights and stops early: BLEU or chrF of the
    translations, as evaluate.tokenizer and evaluate.lowercase say, or the loss."""
    early_stopping_epochs: Count
    """Number of epochs, or of validations where validate_every is set, without a better value of
    monitor after which the training ends."""
    log_every_steps: Count
    """Number of optimiser steps between two rows of the training curve."""
    precision: Literal["auto", "bf16-mixed", "32-true"]
    """Number format of the matrix products in training: bfloat16 with float32 weights, or float32.
    auto: bfloat16 where the processor or GPU has it, and float32 elsewhere, since bfloat16 in
    software is many times slower. The report of the training has the one that was used. Validation
    and translation are in float32."""
