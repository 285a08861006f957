"""The section `model` of params.yaml: the architecture of a model.

It is saved with each model, so that every use of a model has the settings it was trained with.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tracelate.config_section import MAX_SIZE, Before, Depth, Fraction, Reason, Section, Size

AttentionName = Literal[
    "none",
    "additive",
    "dot",
    "scaled_dot",
    "general",
    "concat",
    "local_m",
    "local_p",
    "multi_head",
]
CellName = Literal["rnn", "gru", "lstm"]
EncoderName = Literal["recurrent", "feed_forward"]
BridgeName = Literal["dense", "copy", "zero"]


class DropoutConfig(Section):
    """Dropout by place: the probability with which a feature is set to 0 in training.

    A mask is the same at all positions of a sentence (Gal and Ghahramani 2016).
    """

    embedding: Fraction
    """Probability for the embeddings of source and target pieces."""
    layers: Fraction
    """Probability between recurrent or feed-forward layers, without effect on a single layer; in a
    transformer, for what each sublayer adds (Vaswani et al. 2017, section 5.4)."""
    encoder_output: Fraction
    """Probability for the encoder's states, before attention reads them."""
    decoder_output: Fraction
    """Probability for the attentional vector, before the output layer."""


class ModelConfig(Section):
    """The architecture. It is saved with the model; an earlier model keeps its own."""

    architecture: Literal["recurrent", "transformer"]
    """Kind of network: recurrent cells with attention (Bahdanau et al. 2015, Luong et al. 2015), or
    a transformer (Vaswani et al. 2017). A transformer uses heads, embedding_size, hidden_size,
    layers, feed_forward_ratio and dropout; its other settings must keep values that fit."""
    attention: AttentionName
    """Score of a target state with a source state: additive (Bahdanau et al. 2015, A.1.2); dot,
    general or concat (Luong et al. 2015, section 3.1); scaled_dot or multi_head (Vaswani et al.
    2017, section 3.2); local_m or local_p look into a window of the source (Luong et al. 2015,
    section 3.2); none is the plain encoder-decoder (Sutskever et al. 2014)."""
    hops: Depth
    """Number of times that attention reads the source at each target step, each time with the
    result of the time before in its query (Sukhbaatar et al. 2015, section 2.2); 1 is plain
    attention."""
    heads: Size
    """Number of attention heads of multi_head and of a transformer; it must divide hidden_size
    (Vaswani et al. 2017, section 3.2.2)."""
    window: Size
    """D of local_m and local_p, in pieces: attention reads the D pieces on either side of the
    position it looks at, and that piece (Luong et al. 2015, section 3.2; 10 there)."""
    input_feeding: bool
    """If true, the cell also reads the attentional vector of the step before (Luong et al. 2015,
    section 3.3). Target steps then run one by one, which makes training slower."""
    encoder: EncoderName
    """Encoder of a recurrent model: recurrent cells, or feed_forward layers that read each source
    piece by itself, with its position (Raffel and Ellis 2015, section 2.1)."""
    directions: Literal["both", "forward"]
    """Reading directions of the recurrent encoder; with both, each direction has half of
    hidden_size (Bahdanau et al. 2015, section 3.2)."""
    bridge: BridgeName
    """Origin of the decoder's first state: dense is a trained layer over the encoder's last state
    (Bahdanau et al. 2015, A.2.2), copy the last state itself (Sutskever et al. 2014), and zero
    leaves it empty, so that all information passes through attention."""
    cell: CellName
    """Recurrent cell: rnn (Elman 1990), gru (Cho et al. 2014) or lstm (Hochreiter and Schmidhuber
    1997)."""
    embedding_size: Size
    """Number of features of a piece's embedding. One matrix embeds source and target pieces and is
    the output layer (Press and Wolf 2017); with tokenize.vocabulary separate, source pieces have
    another."""
    hidden_size: Annotated[
        int,
        Field(ge=2, le=MAX_SIZE, multiple_of=2),
        Reason("more than any machine computes with"),
    ]
    """Number of features of the decoder's state and of an encoder state, both directions
    together."""
    layers: Depth
    """Number of layers in the encoder, and in the decoder."""
    feed_forward_ratio: Annotated[int, Field(ge=1, le=10_000), Before(4)]
    """Size of a transformer's inner feed-forward layer, divided by hidden_size; 4 in Vaswani et al.
    2017, section 3.3."""
    embedding_deviation: Annotated[float, Field(gt=0, le=1_000), Before(0.1)]
    """Standard deviation of the embeddings before training."""
    dropout: DropoutConfig
    """Probabilities of dropout by place."""
    max_length_ratio: Annotated[int, Field(ge=1, le=10_000), Before(2)]
    """Most target pieces for each source piece; see max_length_extra."""
    max_length_extra: Annotated[int, Field(ge=0, le=MAX_SIZE), Before(10)]
    """A source of S pieces has a translation of at most max_length_ratio * S + max_length_extra
    pieces, the end tokens included; a search that reaches this length is cut off."""

    @model_validator(mode="after")
    def refuse_what_makes_no_sense(self) -> Self:
        many_heads = self.architecture == "transformer" or self.attention == "multi_head"
        if many_heads and self.hidden_size % self.heads:
            raise ValueError(
                f"heads is {self.heads}, which does not divide hidden_size {self.hidden_size}"
            )
        if self.architecture == "transformer":
            self._refuse_for_the_transformer()
        else:
            self._refuse_for_the_recurrent()
        return self

    def _refuse_for_the_transformer(self) -> None:
        remedy = "or set architecture to recurrent"
        if self.attention not in ("general", "multi_head"):
            raise ValueError(
                f"attention is {self.attention}, but a transformer has multi-head attention of "
                f"its own: leave attention at general, {remedy}"
            )
        if self.hops > 1:
            raise ValueError(
                f"hops is {self.hops}, but a transformer looks once in each of its layers: "
                f"set hops to 1 and layers to what you need, {remedy}"
            )
        if self.input_feeding:
            raise ValueError(
                "input_feeding is true, but a transformer has no cell to feed: "
                f"set input_feeding to false, {remedy}"
            )
        if self.encoder == "feed_forward":
            raise ValueError(
                "encoder is feed_forward, but a transformer has an encoder of its own: "
                f"leave encoder at recurrent, {remedy}"
            )

    def _refuse_for_the_recurrent(self) -> None:
        if self.attention == "none":
            if self.hops > 1:
                raise ValueError(
                    f"hops is {self.hops}, but attention none never looks: set hops to 1"
                )
            if self.bridge == "zero":
                raise ValueError(
                    "bridge is zero and attention none, so the decoder would know nothing of the "
                    "source: set bridge to dense or copy, or attention to general"
                )
            if self.encoder == "feed_forward":
                raise ValueError(
                    "encoder is feed_forward, which has no last state for the decoder to go on "
                    "from, and attention is none: set attention to general"
                )
        if self.attention == "additive" and self.input_feeding:
            raise ValueError(
                "input_feeding is true, but additive attention feeds its context into the cell "
                "already: set input_feeding to false, or attention to concat"
            )
        if self.encoder == "feed_forward" and self.directions == "forward":
            raise ValueError(
                "directions is forward, but encoder feed_forward reads all words at once: "
                "set directions to both"
            )
