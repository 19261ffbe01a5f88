#!/bin/bash
# Installs what the testbed needs on Debian 12 or Ubuntu (root). Quick and silent where all is there.
#   install.sh               Slurm, munge, MariaDB, sshd, promtool; a Debian 13 root with Slurm 24.11 and TimescaleDB
#   install.sh --no-trixie   without the Debian 13 root: no beta, no timescale.sh
# SLURMFLEET_TESTBED_TRIXIE says where that root lives, SLURMFLEET_TESTBED_MIRROR where debootstrap fetches it.
. "$(dirname "$0")/settings.sh"
need_root
export DEBIAN_FRONTEND=noninteractive
started=$SECONDS
say() { printf '[%3ds] %s\n' $((SECONDS - started)) "$*"; }

with_trixie=1
case ${1:-} in --no-trixie) with_trixie= ;; '') ;; *) sed -n '2,5p' "$0"; exit 2 ;; esac

SLURM_PACKAGES="slurm-wlm slurmctld slurmd slurm-client slurmdbd slurm-wlm-basic-plugins slurm-wlm-mysql-plugin
    munge openssh-server"
HOST_PACKAGES="$SLURM_PACKAGES mariadb-server openssh-client util-linux prometheus"
TRIXIE_PACKAGES="$SLURM_PACKAGES postgresql-17-timescaledb"

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

host_packages=$HOST_PACKAGES
[ -z "$with_trixie" ] || host_packages+=" debootstrap"
[ -z "$with_trixie" ] || [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || host_packages+=" debian-archive-keyring"
# shellcheck disable=SC2086
todo=$(missing "" $host_packages)
if [ -n "$todo" ]; then
    say "installing" $todo
    forbid_daemons ""
    # shellcheck disable=SC2086
    apt_install env -- $todo
fi
say "host: $(slurmctld -V), $(mariadbd --version | grep -o 'Ver [^ ]*')"
[ -n "$with_trixie" ] || exit 0

if [ ! -e "$TRIXIE/usr/bin/apt-get" ] || [ -d "$TRIXIE/debootstrap" ]; then
    say "making a Debian 13 root in $TRIXIE"
    rm -rf --one-file-system "$TRIXIE"; mkdir -p "$TRIXIE"
    # shellcheck disable=SC2086
    debootstrap --variant=minbase trixie "$TRIXIE" ${SLURMFLEET_TESTBED_MIRROR:-}
fi
# shellcheck disable=SC2086
todo=$(missing "$TRIXIE" $TRIXIE_PACKAGES)
if [ -n "$todo" ]; then
    say "installing in it:" $todo
    forbid_daemons "$TRIXIE"
    mkdir -p "$TRIXIE/etc/postgresql-common/createcluster.d"     # no database cluster of the package's own
    echo "create_main_cluster = false" > "$TRIXIE/etc/postgresql-common/createcluster.d/testbed.conf"
    # A private mount namespace: nothing stays mounted on the host.
    export -f apt_install
    # shellcheck disable=SC2086,SC2016
    unshare --mount --propagation private bash -euc '
        mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"
        apt_install chroot "$@"' bash "$TRIXIE" -- $todo
fi
say "Debian 13 root: $(chroot "$TRIXIE" slurmctld -V), TimescaleDB" \
    "$(dpkg-query --admindir="$TRIXIE/var/lib/dpkg" -W -f='${Version}' postgresql-17-timescaledb)"
