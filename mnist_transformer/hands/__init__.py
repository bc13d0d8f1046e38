"""What lines are written with, and measured on: hands, numerals, non-digits, pens."""
