"""Building of the encoder and the decoder that a model's settings name."""

from __future__ import annotations

from typing import Any

from torch import nn

from tracelate.config import ModelConfig
from tracelate.model.decoder import Decoder
from tracelate.model.encoder import FeedForwardEncoder, RecurrentEncoder
from tracelate.model.recurrent_decoders import BahdanauDecoder, LuongDecoder
from tracelate.model.transformer import TransformerDecoder, TransformerEncoder


def build_encoder(config: ModelConfig) -> nn.Module:
    """Returns the encoder that `config` names; its output is `Encoded`."""
    if config.architecture == "transformer":
        return TransformerEncoder(config)
    return RecurrentEncoder(config) if config.encoder == "recurrent" else FeedForwardEncoder(config)


def build_decoder(config: ModelConfig) -> Decoder[Any, Any]:
    """Returns the decoder that `config` names: additive attention has Bahdanau's."""
    if config.architecture == "transformer":
        return TransformerDecoder(config)
    return BahdanauDecoder(config) if config.attention == "additive" else LuongDecoder(config)


def architecture_name(config: ModelConfig) -> str:
    """Returns a short name for people, such as `gru, general` or `transformer, 2 layers`."""
    layers = [f"{config.layers} layers"] if config.layers > 1 else []
    if config.architecture == "transformer":
        return ", ".join(["transformer", *layers])
    parts = [config.cell, *layers, config.attention]
    if config.hops > 1:
        parts.append(f"{config.hops} hops")
    if config.input_feeding:
        parts.append("input feeding")
    if config.encoder == "feed_forward":
        parts.append("feed-forward encoder")
    elif config.directions == "forward":
        parts.append("one direction")
    return ", ".join(parts)
