"""Intervene: switch parts of the machine off, or blur them, and watch the reading change."""

import streamlit as st

from demo import changes, matrix
from demo.controls import download_figure, is_phone, plot, reading_html
from mnist_transformer import Reading, Transformer
from mnist_transformer.explain.interventions import importance
from mnist_transformer.explain.lens import lens
from mnist_transformer.explain.parts import all_changes

MATTER = """
Each field is a part of the machine: **click it to switch it off**, click again to put it back.
The number says how much of its likelihood a digit loses, on average, without that part. **Heads
replace one another**: one alone often costs nothing, as the others do its work. So look at the last
two columns, *all heads* of an attention and the *whole layer* with its MLP, and at *all
cross-attention*, the decoder's only sight of the drawing. A **blurred** head still works, but looks
everywhere alike; **places** tell every patch and token where it stands.
"""


def show(reading: Reading, whole: Transformer) -> None:
    """Draw the section for a reading made with its attention maps by the whole machine."""
    if not reading.steps:
        st.info("Draw something above, then take the machine apart here.")
        return
    changed_model, changed = changes.apply(whole, reading)
    before, after = st.columns(2)
    before.markdown("**The whole machine reads**")
    before.html(reading_html(reading, whole.config.max_digits))
    after.markdown(f"**{changes.in_words()} it reads**")
    after.html(reading_html(changed, whole.config.max_digits))
    matter, early = st.container(key="needs").columns([3, 2])
    with matter:
        st.markdown("**Which parts this reading needs**")
        # Worked out for the machine as it is now: a head that stood in for one that is off counts.
        lost = importance(changed_model, changed, all_changes(whole.config))
        matrix.show(whole, lost, reading.digits, changed.digits)
        st.caption(MATTER)
    with early:
        st.markdown("**What the decoder would have said after each part**")
        st.caption(
            "The logit lens: the unfinished answer, read out early. The darker, the surer it was."
        )
        found = lens(changed_model, changed)
        # A phone has no room for the scale beside eight digits and the line's end.
        plot(changed.plot_lens(found).update_traces(showscale=not is_phone()), "lens")
        download_figure("This lens", "lens", lambda: changed.plot_lens(found))
