#!/bin/sh
# Links, in thought, the pure rooms: what none of them defines must stand in the allow-list.
#   check_symbols.sh ALLOWED LIB...
set -eu
allowed=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Fortified and sanitized builds call the same functions under other names.
plain() { sed -E 's/^__(.*)_chk$/\1/; s/^__isoc99_//; s/^__interceptor_//'; }
nm -u "$@" 2>/dev/null | awk '$1 == "U" || $1 == "w" { print $2 }' | LC_ALL=C sort -u > "$work/undefined"
nm --defined-only "$@" 2>/dev/null | awk 'NF == 3 { print $3 }' | LC_ALL=C sort -u > "$work/defined"
LC_ALL=C comm -23 "$work/undefined" "$work/defined" |
    grep -vE '^(__asan_|__ubsan_|__sanitizer_|__lsan_|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__odr_asan|__start_|__stop_|__gcov|__llvm_|__tls_get_addr|llhttp_|ASAN_)' |
    plain | LC_ALL=C sort -u > "$work/called"
LC_ALL=C sort -u "$allowed" > "$work/allowed"
extra=$(LC_ALL=C comm -23 "$work/called" "$work/allowed")
if [ -n "$extra" ]; then
    echo "the pure rooms call what is not in $(basename "$allowed"):"
    echo "$extra"
    exit 1
fi
