"""A data pipeline of coroutines: producers, workers, an aggregator, with back-pressure.

asyncio without any input or output: tasks, queues, locks, async generators, async
context managers, cancellation and exceptions that cross task borders.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Message:
    """One message of a source."""

    source: int
    number: int
    words: list[str]
    tries: int = 0


class Refused(Exception):
    """A message that a worker refuses now; it may be tried again."""


@dataclass
class Totals:
    """What the aggregator knows."""

    words: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    retries: int = 0
    lost: int = 0
    digest: int = 0


class Limiter:
    """Lets a few in at a time."""

    def __init__(self, places: int) -> None:
        self.semaphore = asyncio.Semaphore(places)
        self.inside = 0
        self.most = 0

    async def __aenter__(self) -> Limiter:
        await self.semaphore.acquire()
        self.inside += 1
        self.most = max(self.most, self.inside)
        return self

    async def __aexit__(self, *details: object) -> None:
        self.inside -= 1
        self.semaphore.release()


async def messages(source: int, count: int) -> AsyncIterator[Message]:
    """The messages of one source."""
    dice = random.Random(source)
    letters = "abcdefghijklmnop"
    for number in range(count):
        words = ["".join(dice.choices(letters, k=3)) for _ in range(dice.randint(3, 9))]
        yield Message(source, number, words)
        if number % 7 == 0:
            await asyncio.sleep(0)


async def produce(source: int, count: int, queue: asyncio.Queue[Message]) -> None:
    """Put the messages of a source into the queue."""
    async for message in messages(source, count):
        await queue.put(message)


async def score(message: Message) -> dict[str, int]:
    """What a message is worth; some are refused at first."""
    if (message.number + message.source) % 11 == 0 and message.tries < 2:
        raise Refused(message.number)
    scores: dict[str, int] = {}
    for word in message.words:
        value = 0
        for letter in word:
            value = value * 31 + ord(letter) - 96
        scores[word] = scores.get(word, 0) + value % 1009
    await asyncio.sleep(0)
    return scores


async def work(
    queue: asyncio.Queue[Message], results: asyncio.Queue[Message | dict[str, int]], gate: Limiter
) -> None:
    """Take messages from the queue and score them, for ever."""
    while True:
        message = await queue.get()
        try:
            async with gate:
                await results.put(await score(message))
        except Refused:
            message.tries += 1
            await results.put(message)
        finally:
            queue.task_done()


async def aggregate(
    queue: asyncio.Queue[Message],
    results: asyncio.Queue[Message | dict[str, int]],
    totals: Totals,
    expected: int,
) -> None:
    """Add up the results; send refused messages round again."""
    again: list[Message] = []
    while totals.messages + totals.lost < expected:
        result = await results.get()
        match result:
            case Message(tries=tries) if tries > 3:
                totals.lost += 1
            case Message():
                totals.retries += 1
                again.append(result)
            case dict():
                totals.messages += 1
                for word, value in result.items():
                    totals.words[word] += value
                    totals.digest = (totals.digest + value * value) % 1_000_003
        while again and not queue.full():
            queue.put_nowait(again.pop())


async def pipeline(sources: int, count: int) -> Totals:
    """Run everything until all messages are through."""
    queue: asyncio.Queue[Message] = asyncio.Queue(maxsize=50)
    results: asyncio.Queue[Message | dict[str, int]] = asyncio.Queue()
    totals, gate = Totals(), Limiter(5)
    workers = [asyncio.create_task(work(queue, results, gate)) for _ in range(12)]
    aggregator = asyncio.create_task(aggregate(queue, results, totals, sources * count))
    async with asyncio.TaskGroup() as group:
        for source in range(sources):
            group.create_task(produce(source, count, queue))
    await aggregator
    for worker in workers:
        worker.cancel()
    ends = await asyncio.gather(*workers, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    assert gate.most == 5
    return totals


def main(count: int = 3500) -> None:
    """Run the pipeline and print what came out of it."""
    totals = asyncio.run(pipeline(sources=24, count=count))
    top = ", ".join(f"{word} {value}" for word, value in totals.words.most_common(4))
    names = hashlib.sha256("".join(sorted(totals.words)).encode()).hexdigest()[:12]
    print(f"{totals.messages} messages, {totals.retries} retries, {totals.lost} lost")
    print(f"{len(totals.words)} words ({names}), digest {totals.digest}, best: {top}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
