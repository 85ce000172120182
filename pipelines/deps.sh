#!/bin/bash
# deps.sh [--install] KIND...: are the packages there that building, testing, or the quickstart needs?
# With --install, those that are missing are installed where we may (root, or sudo without a password);
# otherwise the one command that does it is printed.
set -euo pipefail

# kind, Debian package, how to see that it is there: a command, or a header for the C or C++ compiler
needs='
build gcc cmd:gcc
build g++ cmd:g++
build libc6-dev c:stdio.h
build libcurl4-openssl-dev c:curl/curl.h
build zlib1g-dev c:zlib.h
build libpcap-dev c:pcap/pcap.h
build libsimdjson-dev c++:simdjson.h
test bats cmd:bats
test curl cmd:curl
test libcmocka-dev c:cmocka.h
test gnuplot-nox cmd:gnuplot
test jq cmd:jq
test libxml2-utils cmd:xmllint
test mandoc cmd:mandoc
test openssl cmd:openssl
test socat cmd:socat
test procps cmd:ps
test perl cmd:prove
test util-linux cmd:setsid
run jq cmd:jq
run curl cmd:curl
run gnuplot-nox cmd:gnuplot
run python3-venv py:ensurepip
'

is_there() {
    case $1 in
    cmd:*) command -v "${1#*:}" ;;
    c:*) echo "#include <stddef.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <${1#*:}>" | ${CC:-cc} -E -x c - ;;
    c++:*) echo "#include <${1#*:}>" | ${CXX:-c++} -E -x c++ - ;;
    py:*) python3 -c "import ${1#*:}" ;;
    esac >/dev/null 2>&1
}

install=
[ "${1:-}" != --install ] || { install=yes && shift; }
missing=()
while read -r kind package probe; do
    [[ -n $kind && " $* " == *" $kind "* ]] || continue
    is_there "$probe" || missing+=("$package")
done <<<"$needs"
[ ${#missing[@]} -gt 0 ] || exit 0

get=(apt-get install -y -qq --no-install-recommends "${missing[@]}")
sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo -n)
if [ -n "$install" ] && command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
    echo "installing ${missing[*]}" >&2
    "${sudo[@]}" apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" "${get[@]}" >/dev/null
    exit 0
fi
echo "these packages are missing (names are Debian's): ${missing[*]}" >&2
echo "to install them: sudo apt-get update && sudo ${get[*]}" >&2
exit 1
