"""Loops so long that their FOR_ITER needs an EXTENDED_ARG, over iterators that step by a call."""

BODY = "".join(
    f"        if value == {i}:\n            a, b, c = b + {i}, c, a & 1023\n" for i in range(40)
)
SOURCE = f"""
def run(items):
    count, a, b, c = 0, 1, 2, 3
    for key in items:
        value = key % 40
        count += 1
{BODY}
    return count, a, b, c
"""
names = {}
exec(compile(SOURCE, "far", "exec"), names)
run = names["run"]

for size in (1, 2, 50, 300):
    print(run(dict.fromkeys(range(size))), run(set(range(size))), run(range(size)))
    print(run(iter([])), run(reversed(range(size))), run(reversed(list(range(size)))))
for _ in range(100):
    result = run({7: 1}), run([3]), run(range(1)), run({5})
print(result)
