"""Builds that are optimised with a profile: `fullspeed pgo`, and `fullspeed build --pgo`.

    compilers.py  GCC or clang: which, what belongs to it, what is missing
    flags.py      what the compiler is told: to count, and to use what was counted
    profile.py    reading profiles: which function of which file ran how often
    train.py      the user's command in a throw-away environment
    work.py       the work folder, and the builds in it
    verify.py     was the profile used? what the compiler said of it
    check.py      what it gains, in alternating runs
    drift.py      is the training still like production?
    levels.py     `fullspeed build --pgo`
    cpython.py    `fullspeed pgo python`: CPython's own source tree
    options.py    the options of the commands
    command.py    the commands

    build ──▶ instrumented wheel ──▶ train ──▶ profile ──▶ optimize ──▶ wheel ──▶ check
                                                 └───────────── drift ◀── another run's profile

It stands on fullspeed.variants: sources, builds through a project's own back end, wheels.

What must stay true: nothing here runs in a user's program, but for the hook of train.py in
processes of a training, and src/pgo in instrumented modules; a step that fails leaves what the
steps before it made as it was; whatever was not counted, or not used, is said.
"""
