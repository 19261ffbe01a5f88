#!/bin/bash
# Installs what the testbed needs on Debian 12 or Ubuntu (root). Quick and silent where all is there.
#   install.sh               Slurm, munge, MariaDB, sshd, promtool, libfaketime; a root of Debian 13 (Slurm 24.11, TimescaleDB)
#                            and one of Debian's unstable suite (Slurm 26.05)
#   install.sh --no-trixie   without the Debian 13 root: no beta, no timescale.sh
#   install.sh --no-sid      without the unstable root: no gamma
# SLURMFLEET_TESTBED_TRIXIE and _SID say where the roots live, _MIRROR and _SID_MIRROR where debootstrap fetches them.
. "$(dirname "$0")/settings.sh"
need_root
export DEBIAN_FRONTEND=noninteractive
started=$SECONDS
say() { printf '[%3ds] %s\n' $((SECONDS - started)) "$*"; }

roots=" trixie sid "
for option in "$@"; do
    case $option in
    --no-trixie | --no-sid) roots=${roots/ ${option#--no-} / } ;;
    *) sed -n '2,7p' "$0"; exit 2 ;;
    esac
done

SLURM_PACKAGES="slurm-wlm slurmctld slurmd slurm-client slurmdbd slurm-wlm-basic-plugins slurm-wlm-mysql-plugin
    munge openssh-server"
HOST_PACKAGES="$SLURM_PACKAGES mariadb-server openssh-client util-linux prometheus tcsh zsh fish libfaketime sshfs"
TRIXIE_PACKAGES="$SLURM_PACKAGES postgresql-17-timescaledb"
SID_PACKAGES="$SLURM_PACKAGES tcsh"

missing() {              # missing DIR PACKAGE...: those not installed in the root file system DIR
    local dir=$1 there; shift
    there=$(dpkg-query --admindir="$dir/var/lib/dpkg" -W -f='${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^ii  *//p') || true
    printf '%s\n' "$@" | grep -vxF -e "$there" || true
}
apt_install() {          # apt_install COMMAND-PREFIX -- PACKAGE...
    local prefix=(); while [ "$1" != -- ]; do prefix+=("$1"); shift; done; shift
    "${prefix[@]}" apt-get update -q
    "${prefix[@]}" apt-get install -y -q --no-install-recommends "$@"
}

guard= ; trap '[ -z "$guard" ] || rm -f "$guard"' EXIT
forbid_daemons() {       # packages ask this script before they start anything; the host gets its own back
    local file=$1/usr/sbin/policy-rc.d
    [ ! -e "$file" ] || return 0
    printf '#!/bin/sh\nexit 101\n' > "$file"; chmod 755 "$file"
    [ -n "$1" ] || guard=$file
}

make_root() {            # make_root SUITE DIR MIRROR PACKAGE...: a Debian root with these packages
    local suite=$1 dir=$2 mirror=$3 todo; shift 3
    if [ ! -e "$dir/usr/bin/apt-get" ] || [ -d "$dir/debootstrap" ]; then
        say "making a root of Debian $suite in $dir"
        rm -rf --one-file-system "$dir"; mkdir -p "$dir"
        # shellcheck disable=SC2086
        debootstrap --variant=minbase "$suite" "$dir" $mirror
    fi
    todo=$(missing "$dir" "$@")
    [ -n "$todo" ] || return 0
    say "installing in it:" $todo
    forbid_daemons "$dir"
    mkdir -p "$dir/etc/postgresql-common/createcluster.d"     # no database cluster of the package's own
    echo "create_main_cluster = false" > "$dir/etc/postgresql-common/createcluster.d/testbed.conf"
    # a mirror may be a snapshot whose lists have run out; they are signed all the same
    echo 'Acquire::Check-Valid-Until "false";' > "$dir/etc/apt/apt.conf.d/testbed"
    # A private mount namespace: nothing stays mounted on the host.
    export -f apt_install
    # shellcheck disable=SC2086,SC2016
    unshare --mount --propagation private bash -euc '
        mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"
        apt_install chroot "$@"' bash "$dir" -- $todo
}

host_packages=$HOST_PACKAGES
[ -z "${roots// /}" ] || host_packages+=" debootstrap"
[ -z "${roots// /}" ] || [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || host_packages+=" debian-archive-keyring"
# shellcheck disable=SC2086
todo=$(missing "" $host_packages)
if [ -n "$todo" ]; then
    say "installing" $todo
    forbid_daemons ""
    # shellcheck disable=SC2086
    apt_install env -- $todo
fi
say "host: $(slurmctld -V), $(mariadbd --version | grep -o 'Ver [^ ]*')"
if [[ $roots = *" trixie "* ]]; then
    # shellcheck disable=SC2086
    make_root trixie "$TRIXIE" "${SLURMFLEET_TESTBED_MIRROR:-}" $TRIXIE_PACKAGES
    say "Debian 13 root: $(chroot "$TRIXIE" slurmctld -V), TimescaleDB" \
        "$(dpkg-query --admindir="$TRIXIE/var/lib/dpkg" -W -f='${Version}' postgresql-17-timescaledb)"
fi
if [[ $roots = *" sid "* ]]; then
    # shellcheck disable=SC2086
    make_root sid "$SID" "${SLURMFLEET_TESTBED_SID_MIRROR:-${SLURMFLEET_TESTBED_MIRROR:-}}" $SID_PACKAGES
    say "unstable root: $(chroot "$SID" slurmctld -V)"
fi
