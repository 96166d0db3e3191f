# shellcheck shell=bash
# Shared by the install scripts. Source it; it changes nothing by itself.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() { say "$*"; exit 1; }

packages=()
want() { # want COMMAND PACKAGE…: the packages are needed when the command is missing
    local command=$1
    shift
    command -v "$command" >/dev/null || packages+=("$@")
}

install_packages() { # with apt; needs root or sudo when something is missing
    [ ${#packages[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "please install: ${packages[*]}"
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "run as root, or install: ${packages[*]}"
        sudo=(sudo)
    fi
    say "installing ${packages[*]}"
    "${sudo[@]}" apt-get update -qq
    # Debian starts the services that it installs. The tests start their own: none may start here.
    (
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            trap '"${sudo[@]}" rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" install -m 0755 /dev/stdin "$policy"
        fi
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null
    ) || fail "cannot install ${packages[*]}"
    packages=()
}
