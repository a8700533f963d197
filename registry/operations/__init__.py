"""The verbs: the only code that writes. One file per noun; each operation is atomic, locked, audited."""
