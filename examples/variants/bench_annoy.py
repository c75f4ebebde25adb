"""Nearest neighbours among vectors as long as embeddings of texts are, for --bench.

docs/guide/variants.md has the command.
"""

import random

from annoy import AnnoyIndex

DIMENSIONS, VECTORS, QUERIES = 768, 3000, 500

draw = random.Random(1)
index = AnnoyIndex(DIMENSIONS, "euclidean")
index.set_seed(1)
for number in range(VECTORS):
    index.add_item(number, list(draw.randbytes(DIMENSIONS)))
index.build(10, n_jobs=1)
for number in range(QUERIES):
    index.get_nns_by_item(number, 10, search_k=3000)
