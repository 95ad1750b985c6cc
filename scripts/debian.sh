# What the scripts share about Debian's packages; sourced, not run.
# shellcheck shell=sh

say() { printf '%s\n' "$*" >&2; }
fail() { say "opskit: $*"; exit 2; }

# Is this a Python that opskit runs with, and can it make virtual environments? Debian splits that off into
# python3-venv.
fit_python() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# What goes before a command that only root may run.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

may_install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" -eq 0 ] && return
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null || [ -t 0 ]
}

# apt-get without questions. It waits for dpkg's lock itself, for its other locks we do: a freshly booted
# host is often busy with its own updates.
apt_get() {
    tries=60
    until said=$(as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -qq -o DPkg::Lock::Timeout=300 "$@" 2>&1); do
        case $said in *"Could not get lock"*) ;; *) tries=0 ;; esac
        [ "$tries" -gt 0 ] || { say "$said"; fail "apt-get $1 failed"; }
        tries=$((tries - 1))
        sleep 5
    done
}

# Install the packages named, or say what to install by hand.
install_debian() {
    [ $# -gt 0 ] || return 0
    may_install || fail "missing: $*. Run as root, or with sudo at hand, on Debian 12; or install by hand:
    apt-get install $*"
    say "Installing Debian's $* ..."
    apt_get update
    apt_get install --yes --no-install-recommends "$@"
}
