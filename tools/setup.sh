#!/bin/bash
# Prepares a fresh Debian 12 machine for work on fullspeed, or an Ubuntu to which the deadsnakes
# archive was added: Ubuntu's own has no CPython 3.11 (24.04) or only a preview of it (22.04).
#
# Three steps, each skipped when it has nothing to do:
#   1. system packages: python3.11 with headers and test suite, gcc, and clang-19
#      where the distribution has it (without it the interpreter is built with
#      computed goto instead of tail calls);
#   2. a virtual environment made from the distribution's python3.11;
#   3. fullspeed built from the sources of this checkout and installed into it.
#
# What must stay true: running it twice changes nothing the second time; a stamp
# is written only after its step has succeeded; whatever goes wrong ends in one
# sentence on stderr and a non-zero exit code.
#
#   tools/setup.sh              .venv, the best build this machine can make
#   tools/setup.sh goto         build/venv-goto, the computed-goto build
#   tools/setup.sh asan         build/venv-asan, with ASan and UBSan
#   tools/setup.sh cross        compilers and emulators for the tests of other processors, what
#                               clang's profiles need, a Fortran compiler (Debian)
#   tools/setup.sh cluster      Dask, mpi4py and Open MPI for tests/cluster, into .venv
#   tools/setup.sh --no-build   packages and .venv only
#
# Meson's options may stand behind: tools/setup.sh -Dcpu-baseline="avx2 fma3" (see
# docs/guide/build-options.md); the next call without them builds as always.
#
# PYTHON=/path/to/python3.11 chooses another Python, CC=... another compiler.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=${PYTHON:-/usr/bin/python3.11}
REQUIRED_PACKAGES=(python3.11 python3.11-dev python3.11-venv libpython3.11-testsuite
                   gcc libc6-dev make binutils)
OPTIONAL_PACKAGES=(clang-19)
CROSS_PACKAGES=(qemu-user gfortran
                gcc-aarch64-linux-gnu libc6-dev-arm64-cross
                gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
                gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross
                gcc-s390x-linux-gnu libc6-dev-s390x-cross
                gcc-riscv64-linux-gnu libc6-dev-riscv64-cross
                llvm-19 libclang-rt-19-dev)
CLUSTER_PACKAGES=(openmpi-bin)

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "system packages are missing, and neither are you root nor is there sudo: $*"
    fi
}

distribution() { (. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME:-unknown}") || echo unknown; }

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# The version that apt would install; nothing if there is none.
candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *//p' | grep -v '(none)' || true; }

available() { [ -n "$(candidate "$1")" ]; }

# Says what to do on a distribution without a finished CPython 3.11.
die_without_python() {
    die "$(distribution) $1, and fullspeed needs a finished CPython 3.11: on Ubuntu run 'sudo add-apt-repository ppa:deadsnakes/ppa' first, or say PYTHON=/path/to/python3.11"
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "$@" >&2 ||
        die "apt-get could not install: $*"
}

# Without apt the packages are the user's business; only their presence is checked.
check_without_apt() {
    [ -x "$PYTHON" ] || die "no $PYTHON and no apt-get here ($(distribution)): install CPython 3.11 with its headers, or say PYTHON=/path/to/python3.11"
    command -v "${CC:-cc}" >/dev/null || die "no C compiler here ($(distribution)): install gcc or clang, or say CC=..."
}

system_packages() {
    command -v apt-get >/dev/null || { check_without_apt; return; }
    local missing=() wanted=() package
    for package in "${REQUIRED_PACKAGES[@]}"; do
        case $package in
            *python3.11*) [ "$PYTHON" = /usr/bin/python3.11 ] || continue ;;
        esac
        installed "$package" || missing+=("$package")
    done
    for package in "${OPTIONAL_PACKAGES[@]}"; do
        installed "$package" || [ -e "build/stamps/without-$package" ] || wanted+=("$package")
    done
    [ $((${#missing[@]} + ${#wanted[@]})) -gt 0 ] || return 0

    say "system packages wanted: ${missing[*]} ${wanted[*]}"
    as_root apt-get update -q >&2 || say "apt-get update failed; going on with the lists at hand"
    for package in "${missing[@]}"; do
        case $package:$(candidate "$package") in
            *python3.11*:) die_without_python "has no package $package" ;;
            *python3.11*:*~rc*) die_without_python "has only a preview of $package ($(candidate "$package"))" ;;
            *:) die "$(distribution) has no package $package" ;;
        esac
    done
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
    mkdir -p build/stamps
    for package in "${wanted[@]}"; do
        if available "$package"; then
            apt_install "$package"
        else
            say "$(distribution) has no $package: going on without (computed goto instead of tail calls)"
            touch "build/stamps/without-$package"
        fi
    done
}

# Installs the packages $2... for what $1 says, unless they are there.
more_packages() {
    local missing=() package what=$1
    shift
    for package in "$@"; do
        installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "packages for $what: ${missing[*]}"
    as_root apt-get update -q >&2 || say "apt-get update failed; going on with the lists at hand"
    apt_install "${missing[@]}"
}

# What tests/cpu/cross and tests/pgo want; tests are left out without them.
cross_packages() {
    command -v apt-get >/dev/null || die "no apt-get here ($(distribution)): install compilers for aarch64, arm, ppc64le, s390x and riscv64 with their C libraries, and qemu-user"
    more_packages "the tests of other processors" "${CROSS_PACKAGES[@]}"
}

# What tests/cluster wants; its tests are left out without them.
cluster_packages() {
    local stamp=.venv/.stamp-cluster
    command -v apt-get >/dev/null || die "no apt-get here ($(distribution)): install Open MPI's mpirun"
    more_packages "the tests of clusters" "${CLUSTER_PACKAGES[@]}"
    cmp -s tools/requirements-cluster.txt "$stamp" && return 0
    say "installing tools/requirements-cluster.txt into .venv"
    .venv/bin/python -m pip install -q --disable-pip-version-check -r tools/requirements-cluster.txt ||
        die "pip could not install tools/requirements-cluster.txt (is the package index reachable?)"
    cp tools/requirements-cluster.txt "$stamp"
}

# A virtual environment at $1, made from $PYTHON, holding tools/requirements-dev.txt.
virtual_environment() {
    local venv=$1 stamp wanted
    wanted=$("$PYTHON" -c 'import sys; v = sys.version_info
print("%s %d.%d %s" % (sys.implementation.name, v[0], v[1], v[3]))' 2>/dev/null) || die "$PYTHON does not run"
    case $wanted in
        "cpython 3.11 final") ;;
        "cpython 3.11 "*) die_without_python "has only a preview of CPython 3.11 ($PYTHON)" ;;
        *) die "$PYTHON is $wanted, and fullspeed needs CPython 3.11" ;;
    esac
    "$PYTHON" -c 'import sysconfig, os, sys
sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' ||
        die "$PYTHON has no headers (Python.h): install its -dev package"

    if [ ! -x "$venv/bin/python" ] ||
        [ "$("$venv/bin/python" -c 'import sys; print(sys._base_executable)')" != "$(readlink -f "$PYTHON")" ]; then
        say "making $venv from $PYTHON"
        rm -rf "$venv"
        "$PYTHON" -m venv "$venv" || die "$PYTHON could not make a virtual environment in $venv"
    fi
    stamp="$venv/.stamp-requirements"
    if ! cmp -s tools/requirements-dev.txt "$stamp"; then
        say "installing tools/requirements-dev.txt into $venv"
        "$venv/bin/python" -m pip install -q --disable-pip-version-check -r tools/requirements-dev.txt ||
            die "pip could not install tools/requirements-dev.txt (is the package index reachable?)"
        cp tools/requirements-dev.txt "$stamp"
    fi
}

# One digest over everything that the build reads, and over how it is built.
build_digest() {
    local inputs=() path
    for path in pyproject.toml meson.build meson.options README.md LICENSE src python \
        tools/opgen tools/cpugen tools/backend; do
        [ ! -e "$path" ] || inputs+=("$path")
    done
    {
        printf '%s\n' "$@"
        find "${inputs[@]}" -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum
    } | sha256sum | cut -d' ' -f1
}

# Builds and installs fullspeed into venv $1 with meson setup options $2...; the build
# back end chooses the best compiler unless CC is set. Warnings are errors (meson.options).
build() {
    local venv=$1 options=() option digest stamp="$1/.stamp-build" folder
    shift
    # What is not said stays in a build folder as it was.
    set -- -Dstrict=true -Dcpu-baseline=min -Dcpu-dispatch=max "$@"
    for option in "$@"; do options+=("-Csetup-args=$option"); done
    [ -f pyproject.toml ] || die "there is no pyproject.toml in $PWD"
    digest=$(build_digest "${CC:-}" "$@")
    if [ "$(cat "$stamp" 2>/dev/null)" = "$digest" ] &&
        [ -d "$(echo "$venv"/lib/python3.*/site-packages/fullspeed)" ]; then
        return
    fi
    say "building fullspeed into $venv"
    rm -f "$stamp"
    mkdir -p build
    folder=build/meson-$(basename "$venv")${CC:+-$(basename "$CC")}
    # Meson does not take options that a build folder from before does not know.
    cmp -s meson.options "$folder/options-then" || rm -rf "$folder"
    mkdir -p "$folder"
    PATH="$PWD/$venv/bin:$PATH" "$venv/bin/python" -m pip install -q --disable-pip-version-check \
        --no-build-isolation --no-deps --force-reinstall \
        -Cbuild-dir="$folder" "${options[@]}" . >&2 ||
        die "fullspeed did not build (see above)"
    cp meson.options "$folder/options-then"
    printf '%s\n' "$digest" >"$stamp"
    (cd / && LD_PRELOAD=${PRELOAD:-} ASAN_OPTIONS=detect_leaks=0 "$OLDPWD/$venv/bin/python" -c '
import fullspeed._engine as engine
info = engine.build_info()
print("setup: built, dispatch by %s, compiled by %s" % (info["dispatch"], info["compiler"]))') ||
        die "fullspeed was built, but does not import"
}

main() {
    local what=best word options=()
    for word in "$@"; do
        case $word in -D?*=*) options+=("$word") ;; *) what=$word ;; esac
    done
    mkdir -p build
    exec 9>build/.setup-lock
    flock 9
    if [ "$what" = cross ]; then
        cross_packages
        return
    fi
    system_packages
    case $what in
        best)
            virtual_environment .venv
            build .venv "${options[@]}"
            ;;
        goto)
            virtual_environment build/venv-goto
            build build/venv-goto -Ddispatch=computed-goto "${options[@]}"
            ;;
        asan)
            virtual_environment build/venv-asan
            PRELOAD=$(gcc -print-file-name=libasan.so)
            CC=${CC:-gcc} build build/venv-asan -Ddispatch=computed-goto -Ddebug=true \
                -Db_sanitize=address,undefined -Db_lundef=false "${options[@]}"
            ;;
        cluster)
            virtual_environment .venv
            cluster_packages
            ;;
        --no-build) virtual_environment .venv ;;
        *) die "unknown argument '$what'; allowed are: goto, asan, cross, cluster, --no-build, or nothing, and -D<option>=<value>" ;;
    esac
}

main "$@"
