"""How models are trained: recipes and presets, tasks, objectives, optimisers, the loop, files."""
