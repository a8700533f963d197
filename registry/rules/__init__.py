"""Rules: what must, should or could be so. One place for each; forms, imports and operations all ask it."""
