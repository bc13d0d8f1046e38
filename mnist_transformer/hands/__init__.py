"""What lines are written with, and measured on: hands, numerals, marks that are none, pens."""
