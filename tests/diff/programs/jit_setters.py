"""Setters of properties in traces: values of all kinds, errors in them, deaths, classes that change."""


class Counted:
    def __init__(self, value):
        self._value = value
        self.sets = 0

    def get(self):
        return self._value

    def set(self, value):
        if value is None:
            raise ValueError("none")
        self.sets += 1
        self._value = value

    value = property(get, set)


class Slots:
    __slots__ = ("_text",)

    @property
    def text(self):
        return self._text

    @text.setter
    def text(self, text):
        self._text = text


class Built:
    def __init__(self, x):
        self.x = x

    @property
    def x(self):
        return self._x * 2

    @x.setter
    def x(self, x):
        self._x = x
        return self


def kinds(n):
    counted = Counted(0)
    slots = Slots()
    total = 0
    for i in range(n):
        counted.value = i
        slots.text = counted.value + 0.5
        total += slots.text + Built(i).x
    return total, counted.sets, counted._value


def errors(n):
    counted = Counted(0)
    lines = []
    for i in range(n):
        try:
            counted.value = None if i % 3 == 0 else i
        except ValueError as e:
            tb = e.__traceback__
            lines.append((tb.tb_lineno, tb.tb_next.tb_lineno, tb.tb_next.tb_frame.f_code.co_name))
    return len(lines), set(lines), counted.sets, counted._value


def reads_only(n):
    texts = set()
    for i in range(n):
        try:
            Reading().x = i
        except AttributeError as e:
            texts.add(str(e))
    return texts


class Reading:
    x = property(lambda self: 1)


class Dying:
    def __init__(self, log):
        self.log = log

    def __del__(self):
        self.log.append("dies")


def deaths(n):
    counted = Counted(0)
    log = []
    for i in range(n):
        counted.value = Dying(log) if i % 7 == 0 else i
        log.append(i)
    return len(log), log[:30], log[-20:]


def changes(n):
    class Changing:
        @property
        def a(self):
            return self._a

        @a.setter
        def a(self, a):
            self._a = a

    changing = Changing()
    seen = []
    for i in range(n):
        changing.a = i
        seen.append(changing._a)
        if i == n // 2:
            Changing.a = property(
                lambda self: self._a, lambda self, a: self.__dict__.__setitem__("_a", -a)
            )
    return sum(seen), seen[-3:]


def nested(n):
    class Outer:
        inner = Counted(1)

        @property
        def value(self):
            return self.inner.value

        @value.setter
        def value(self, value):
            self.inner.value = value + 1
            if value == n // 2:
                raise KeyError(value)

    outer = Outer()
    caught = []
    for i in range(n):
        try:
            outer.value = i
        except KeyError as e:
            caught.append(e.args)
    return caught, outer.value, outer.inner.sets


def main():
    for f in (kinds, errors, reads_only, deaths, changes, nested):
        print(f.__name__, f(5), f(300))


if __name__ == "__main__":
    main()
