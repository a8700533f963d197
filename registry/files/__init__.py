"""Photos and files (照片、附件): taken in, cleaned, kept on disk, shown to who sees what they belong to."""
