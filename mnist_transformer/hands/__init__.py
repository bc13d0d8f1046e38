"""What is written with and measured on: hands, numerals, non-digits, pens; grids, sheets, pages."""
