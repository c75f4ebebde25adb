"""Daemon threads are inside of hot loops when the program ends: what they run dies before they would wake, which they never do."""

import random
import sys
import threading
import time

started = set()


def plus(a, b):
    return a + b


def times(a, b):
    return a * b


def work(n):
    total = 0
    while True:
        with open(__file__, "rb") as stream:
            total = plus(total, len(stream.read(10)))
        for i in range(3):
            total = plus(total, times(i, n))
            time.sleep(random.random() / 2000)
        started.add(threading.current_thread())


def main():
    for n in range(40):
        threading.Thread(target=work, args=(n,), daemon=True).start()
    while len(started) < 40:
        time.sleep(0.001)
    print("ends")
    sys.exit(3)


main()
