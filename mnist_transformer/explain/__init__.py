"""What is read out of a model, and what is changed in it to see what it was there for.

Imported one by one: drawing a head's numbers needs no model.

- `heads` names every head.
- `trace` writes down everything that passes through the model, as plain `activations`.
- `attribution` splits every answer into what each part paid for it, as a plain `receipt`.
- `interventions` switches heads, layers or positions off and has the logit lens.
- `gaze` makes the decoder look where one says.
- `patching` carries a thought over from another drawing.
- `lens` says what would be said after each part; `habits` what each head does over many lines.
- `over_time` asks what a drawing is to a model, and when a head found its habit.
- `pen_time` reads a drawing after every few points of the pen.
- `relevance` follows attention back to the drawing and takes one head apart.
- `decoding` has beams and samples.
- `perturb` changes the drawing instead.
"""
