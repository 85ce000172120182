#!/bin/bash
# fetch.sh FILE NAME SHA256 URL: FILE is then there, and its bytes have that checksum.
# A copy is taken from $LM_DATA_MIRROR/NAME or NAME.gz if that is there, else URL is downloaded. FILE appears whole or not
# at all.
set -euo pipefail
file=$1 name=$2 sha256=$3 url=$4

fail() {
    echo "$name: $*" >&2
    exit 3
}

mkdir -p "$(dirname "$file")" || fail "no folder to keep it in"
part=$(mktemp "$file.XXXXXX") || fail "cannot write beside $file"
trap 'rm -f "$part"' EXIT
mirror=${LM_DATA_MIRROR:-}
if [[ -n $mirror && -f $mirror/$name ]]; then
    cat -- "$mirror/$name" >"$part" || fail "cannot copy it from $mirror"
    from=$mirror/$name
elif [[ -n $mirror && -f $mirror/$name.gz ]]; then
    gzip -dc -- "$mirror/$name.gz" >"$part" || fail "cannot unpack $mirror/$name.gz"
    from=$mirror/$name.gz
else
    [[ -z $mirror ]] || echo "$name: neither it nor $name.gz is under LM_DATA_MIRROR=$mirror; downloading" >&2
    command -v curl >/dev/null || fail "curl is not installed, and LM_DATA_MIRROR names no folder that has it"
    why=$(curl -fsSL --connect-timeout 5 --speed-limit 1000 --speed-time 15 --max-time 600 -o "$part" -- "$url" 2>&1) ||
        fail "cannot download $url: ${why:-curl failed} (LM_DATA_MIRROR can name a folder that holds $name)"
    from=$url
fi
got=$(sha256sum <"$part") || fail "cannot compute its checksum"
[[ ${got%% *} == "$sha256" ]] || fail "$from is not the published file: sha256 is ${got%% *}, not $sha256"
chmod 644 "$part"
mv -- "$part" "$file"
