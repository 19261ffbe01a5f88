# What gamma's people bring along: noisy dotfiles, and certificates of a site's own authority; sourced by up.sh.
# shellcheck shell=bash

cp "$HERE/conf/gamma/banner" "$C_DIR/etc/banner"

# csh reads this for every command that ssh runs
cat > "$C_DIR/home/erin/.cshrc" <<'CSHRC'
echo "Welcome to gamma, $user. Scratch is purged on Sunday."
stty erase ^H
set path = ($path ~/bin)
printf "[module] loaded slurm/26.05 "
CSHRC
# Debian's bash reads this for ssh commands too; its last line has no newline, so it stands before the first data
cat > "$C_DIR/home/frank/.bashrc" <<'BASHRC'
echo "JobID|State|Name"
echo "*** /scratch: 91% used ***" >&2
stty erase ^H
printf 'conda: base activated> '
BASHRC
printf 'echo "profile of frank on $(hostname)"\n. ~/.bashrc\n' > "$C_DIR/home/frank/.profile"
printf 'echo "goodbye"\n' > "$C_DIR/home/frank/.bash_logout"

# A key that no login node knows, and two certificates for it: one good for a week, one that has run out.
certificates=$ROOT/keys/gamma-certificates
rm -rf "$certificates"; mkdir "$certificates"
ssh-keygen -q -t ed25519 -N '' -C user-ca@gamma -f "$certificates/ca"
cp "$certificates/ca.pub" "$C_DIR/ssh/user_ca.pub"
for name in alice expired; do
    ssh-keygen -q -t ed25519 -N '' -C "$name-by-certificate@testbed" -f "$certificates/$name"
done
ssh-keygen -q -s "$certificates/ca" -I alice@gamma -n alice -V -5m:+1w "$certificates/alice.pub"
ssh-keygen -q -s "$certificates/ca" -I alice@gamma -n alice -V -2w:-1w "$certificates/expired.pub"
