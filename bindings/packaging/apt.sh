# Sourced: `apt` runs apt-get with sources and state of its own in the directory $work, and verifies
# Debian's signatures. This system's sources do not change.

# start_apt ARCHITECTURE LINE…: lines of sources.list without options: "deb SUITE", "deb-src SUITE".
start_apt() {
    debian=$1
    shift
    chmod 755 "$work"
    mkdir -p "$work/lists/partial" "$work/archives/partial"
    : >"$work/status"
    for line in "$@"; do
        case $line in
        *-security) mirror=http://deb.debian.org/debian-security ;;
        *) mirror=http://deb.debian.org/debian ;;
        esac
        echo "${line% *} [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
            "$mirror ${line#* } main"
    done >"$work/sources.list"
    apt update
}

apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State="$work" -o Dir::State::status="$work/status" -o Dir::Cache="$work" \
        -o APT::Architecture="$debian" -o APT::Architectures::="$debian" \
        -o APT::Sandbox::User=root "$@"
}

# pinned ARCHITECTURE: prints the rows of sources.txt for an architecture, or for "source".
pinned() {
    awk -v architecture="$1" '!/^#/ && $3 == architecture' "$packaging/sources.txt"
}

# unavailable PACKAGE VERSION: the mirrors keep only the newest version.
unavailable() {
    echo "$(basename "$0"): $1 $2 is not available; update sources.txt" >&2
    exit 1
}
