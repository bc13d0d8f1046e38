"""How models are trained: recipes, tasks, objectives, optimisers, the loop, a run's files."""
