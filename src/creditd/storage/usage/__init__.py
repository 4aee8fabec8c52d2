"""The rows of the usage rollup: how far each wallet is added up, and the sums."""
