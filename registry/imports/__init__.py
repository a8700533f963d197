"""Excel in: a workbook is handed in, checked line by line, and written whole or not at all."""
