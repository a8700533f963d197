"""Installing and upgrading: what is shipped in deploy/, and the page for who looks after a server."""
