"""JSON documents written and read with the package `ujson`: a training, and what is measured.

python documents.py 0 (for training) and 1 (to measure) have different documents.
"""

import random
import sys

import ujson

WORDS = 'alpha beta gamma delta epsilon zeta eta theta iota kappa größe naïve 東京 "quoted" a\\b'


def value(rng: random.Random, depth: int) -> object:
    """Something that JSON has."""
    kind = rng.randrange(10 if depth else 6)
    if kind == 0:
        return rng.randrange(-(10**6), 10**9)
    if kind == 1:
        return rng.random() * 10 ** rng.randrange(-6, 7)
    if kind in (2, 3):
        return " ".join(rng.choices(WORDS.split(), k=rng.randrange(1, 9)))
    if kind == 4:
        return rng.choice([True, False, None])
    if kind == 5:
        return rng.randrange(100)
    if kind in (6, 7):
        return [value(rng, depth - 1) for _ in range(rng.randrange(12))]
    return {f"key{rng.randrange(60)}": value(rng, depth - 1) for _ in range(rng.randrange(9))}


def main() -> None:
    """Write and read documents."""
    rng = random.Random(f"documents {sys.argv[1]}")
    documents = [{str(n): value(rng, 5) for n in range(20)} for _ in range(12)]
    size = 0
    for _ in range(120):
        for document in documents:
            text = ujson.dumps(document)
            size += len(text)
            ujson.loads(text)
    print(size)


main()
