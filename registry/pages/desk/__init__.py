"""The desk (我的待办): what waits for a user, of all capabilities together."""
