"""Every spelling of a text is undone by the step that it names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracelate.text.normaliser import Normaliser
from tracelate.text.variants import VARIANTS

USUAL = Normaliser(["line_breaks", "control", "nfc", "invisible", "white_space"])
PLAIN = "Él abre la puerta, señor.\nOtra línea."


def test_each_spelling_differs_and_its_step_undoes_it() -> None:
    for variant in VARIANTS:
        spelt = variant.spell(PLAIN)
        assert spelt != PLAIN, variant.name
        assert Normaliser([variant.step])(spelt) == PLAIN, variant.name


@given(
    st.text()
    | st.text(
        st.sampled_from("aeé≠↚ハが字ㅎ한👍1 \n\ufe00\ufe0f\u200d\u20e3\u3099\u094d\u0915\u0338")
    )
)
def test_the_usual_steps_undo_every_spelling_of_any_text(text: str) -> None:
    plain = USUAL(text)
    for variant in VARIANTS:
        assert USUAL(variant.spell(plain)) == plain, variant.name
