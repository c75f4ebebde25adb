"""Simulates a clinic: patients, doctors and machines as processes on an event queue.

Event-driven simulation with generators as processes, dataclasses for the records,
a heap for the clock, resources with priorities, and statistics at the end.
"""

from __future__ import annotations

import heapq
import random
import statistics
import sys
from collections import Counter, deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from itertools import count


class Urgency(Enum):
    """How soon a patient must be seen."""

    EMERGENCY = 0
    URGENT = 1
    ROUTINE = 2


@dataclass(frozen=True)
class Wait:
    """A process asks to sleep."""

    minutes: float


@dataclass(frozen=True)
class Acquire:
    """A process asks for a unit of a resource."""

    resource: Resource
    priority: int = 0


@dataclass(frozen=True)
class Release:
    """A process gives a unit back."""

    resource: Resource


Process = Generator["Wait | Acquire | Release", None, None]


@dataclass(order=True)
class Event:
    """A process that goes on at some time."""

    time: float
    number: int
    process: Process = field(compare=False)


@dataclass
class Resource:
    """Something of which there are only so many."""

    name: str
    units: int
    waiting: list[tuple[int, int, Process]] = field(default_factory=list)
    free: int = 0
    busy_since: deque[float] = field(default_factory=deque)
    busy: float = 0.0

    def __post_init__(self) -> None:
        self.free = self.units

    def __hash__(self) -> int:
        return hash(self.name)

    def utilisation(self, now: float) -> float:
        """The share of time that its units were in use."""
        running = sum(now - since for since in self.busy_since)
        return (self.busy + running) / (now * self.units)


@dataclass
class Patient:
    """One patient's record."""

    number: int
    urgency: Urgency
    arrived: float
    history: list[tuple[str, float]] = field(default_factory=list)

    def note(self, what: str, when: float) -> None:
        """Write down what happened."""
        self.history.append((what, when))

    @property
    def waited(self) -> float:
        """Minutes until a doctor came."""
        return next((when for what, when in self.history if what == "seen"), 0.0) - self.arrived


class Simulation:
    """The clock and the queue of events."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: list[Event] = []
        self.numbers = count()
        self.handled = 0

    def start(self, process: Process, delay: float = 0.0) -> None:
        """Let a process begin."""
        heapq.heappush(self.events, Event(self.now + delay, next(self.numbers), process))

    def run(self, until: float) -> None:
        """Handle events until a time."""
        while self.events and self.events[0].time <= until:
            event = heapq.heappop(self.events)
            self.now = event.time
            self.handled += 1
            self._resume(event.process)

    def _resume(self, process: Process) -> None:
        try:
            request = next(process)
            while True:
                match request:
                    case Wait(minutes):
                        self.start(process, minutes)
                        return
                    case Acquire(resource, priority):
                        if not resource.free:
                            entry = (priority, next(self.numbers), process)
                            heapq.heappush(resource.waiting, entry)
                            return
                        self._take(resource)
                    case Release(resource):
                        self._give(resource)
                request = next(process)
        except StopIteration:
            pass

    def _take(self, resource: Resource) -> None:
        resource.free -= 1
        resource.busy_since.append(self.now)

    def _give(self, resource: Resource) -> None:
        resource.busy += self.now - resource.busy_since.popleft()
        resource.free += 1
        if resource.waiting:
            _, _, process = heapq.heappop(resource.waiting)
            self._take(resource)
            self.start(process)


class Clinic:
    """The clinic: its resources, its patients and what they go through."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.simulation = Simulation()
        self.nurses = Resource("nurses", 4)
        self.doctors = Resource("doctors", 5)
        self.scanner = Resource("scanner", 1)
        self.patients: list[Patient] = []
        self.events: Counter[str] = Counter()

    @contextmanager
    def noted(self, patient: Patient, what: str) -> Generator[None, None, None]:
        """Note the beginning and the end of something."""
        patient.note(what, self.simulation.now)
        try:
            yield
        finally:
            self.events[what] += 1
            patient.note(f"{what} done", self.simulation.now)

    def arrivals(self) -> Process:
        """Patients come at random, more of them at noon."""
        for number in count():
            rush = 1.0 + 0.5 * (10 <= self.simulation.now / 60 % 24 < 14)
            yield Wait(self.dice.expovariate(rush / 6.0))
            urgency = self.dice.choices(list(Urgency), (1, 3, 8))[0]
            patient = Patient(number, urgency, self.simulation.now)
            self.patients.append(patient)
            self.simulation.start(self.visit(patient))

    def visit(self, patient: Patient) -> Process:
        """All that one patient goes through."""
        yield from self.use(patient, self.nurses, "admitted", 3.0)
        yield from self.use(patient, self.doctors, "seen", 12.0)
        if self.dice.random() < 0.3:
            yield from self.use(patient, self.scanner, "scanned", 15.0)
            yield from self.use(patient, self.doctors, "discussed", 6.0)
        while self.dice.random() < 0.4:
            yield from self.use(patient, self.nurses, "treated", 8.0)
        patient.note("home", self.simulation.now)

    def use(self, patient: Patient, resource: Resource, what: str, minutes: float) -> Process:
        """Wait for a resource, use it for a while, and give it back."""
        yield Acquire(resource, patient.urgency.value)
        with self.noted(patient, what):
            yield Wait(self.dice.gammavariate(4.0, minutes / 4.0))
        yield Release(resource)


def main(days: int = 180) -> None:
    """Run the clinic and print what can be learnt from it."""
    clinic = Clinic(seed=5)
    clinic.simulation.start(clinic.arrivals())
    clinic.simulation.run(until=days * 24 * 60)
    now = clinic.simulation.now
    print(f"{days} days, {clinic.simulation.handled} events, {len(clinic.patients)} patients")
    for urgency in Urgency:
        waits = [p.waited for p in clinic.patients if p.urgency is urgency and len(p.history) > 2]
        tail = statistics.quantiles(waits, n=20)[-1]
        print(f"{urgency.name:10} median {statistics.median(waits):7.2f}  95 % {tail:8.2f} min")
    for resource in (clinic.nurses, clinic.doctors, clinic.scanner):
        print(f"{resource.name:10} in use {resource.utilisation(now):.4f}")
    print(" ".join(f"{name}={number}" for name, number in sorted(clinic.events.items())))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
