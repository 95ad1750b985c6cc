# What scripts/install and scripts/uninstall know of an installation; sourced, not run.
# shellcheck shell=sh disable=SC2154

one_at_a_time() {
    [ -z "${OPSKIT_INSTALL_LOCKED:-}" ] || return 0
    mkdir -p "$home"
    exec env OPSKIT_INSTALL_LOCKED=1 flock --close "$home" "$0" "$@"
}

systemd_runs() { [ -d /run/systemd/system ]; }

reload_systemd() { ! systemd_runs || systemctl daemon-reload; }

# The command may be the Debian package's, or somebody's own.
refuse_foreign() {
    [ -e "$link" ] || [ -L "$link" ] || return 0
    case $(readlink "$link") in "$home"/*) return 0 ;; esac
    if dpkg-query --status opskit >/dev/null 2>&1; then
        fail "$link is the Debian package's: keep to apt, or first: apt-get remove opskit"
    fi
    fail "$link is there and not of scripts/install: move it away first"
}

# Remove the environment $1 and what it has put elsewhere, except what $2 has there as well.
remove_environment() {
    (cd -- "$1/host" 2>/dev/null && find . -type f) | while read -r file; do
        [ -e "${2:-/nonexistent}/host/$file" ] || rm -f "/$file"
    done
    (cd -- "$1/host/usr/local" 2>/dev/null && find . -mindepth 2 -depth -type d ! -path ./share/man) |
        while read -r directory; do
            rmdir --ignore-fail-on-non-empty "/usr/local/$directory" 2>/dev/null || true
        done
    rm -rf "$1"
}
