"""The kit of every page: the page's query, lists, forms, changes, pickers, charts, export. Knows no noun."""
