"""What is measured of a model, trained or in training, and what becomes of it elsewhere."""
