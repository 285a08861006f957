import tracelate  # noqa: F401  before torch: it sets what OpenMP reads
