"""Service records (服务记录) of a campaign: what each home branch gets, opinions, receipts, certificates."""
