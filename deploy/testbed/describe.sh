# Writes known_hosts, ssh_config and testbed.json for the running clusters; sourced by up.sh, never run.
# shellcheck shell=bash

host_key_line() { echo "[127.0.0.1]:$1 $(cut -d' ' -f1,2 "$C_DIR/ssh/host_ed25519.pub")"; }   # host_key_line PORT

json_list() {            # json_list WORD...: ["a", "b"]
    local word sep=
    printf '['; for word in "$@"; do printf '%s"%s"' "$sep" "$word"; sep=', '; done; printf ']'
}

json_users() {
    local entry user accounts sep=
    for entry in $C_ACCOUNTS; do
        user=${entry%%:*} accounts=${entry#*:}
        printf '%s\n        "%s": {"key": "%s", "home": "%s", "uid": %d, "admin": %s, "shell": "%s", "accounts": ' "$sep" \
            "$user" "$ROOT/keys/$user" "$C_DIR/home/$user" "$(inside id -u "$user")" \
            "$([ "$user" = dave ] && echo true || echo false)" "$(shell_of "$user")"
        # shellcheck disable=SC2086
        json_list ${accounts//,/ }; printf '}'; sep=,
    done
}

json_doors() {           # further sshd of the login node
    local door port sep=
    for door in $C_DOORS; do
        door=${door%:*} port=$(door_port "${door%:*}")
        printf '%s\n        "%s": {"host": "127.0.0.1", "port": %d, "host_key": "%s"}' "$sep" "$door" "$port" "$(host_key_line "$port")"
        sep=,
    done
}

json_certificates() {    # keys that only a certificate lets in
    local file sep=
    for file in "$ROOT/keys/$C_NAME-certificates"/*-cert.pub; do
        [ -e "$file" ] || continue
        printf '%s\n        "%s": {"user": "alice", "key": "%s", "certificate": "%s"}' "$sep" \
            "$(basename "$file" -cert.pub)" "${file%-cert.pub}" "$file"
        sep=,
    done
}

json_cluster() {
    # shellcheck disable=SC2086
    cat <<JSON
    "$C_NAME": {
      "host": "127.0.0.1",
      "port": $C_SSH_PORT,
      "host_key": "$(host_key_line "$C_SSH_PORT")",
      "doors": {$(json_doors)},
      "certificates": {$(json_certificates)},
      "slurm_version": "$(inside /usr/sbin/slurmctld -V | cut -d' ' -f2)",
      "min_job_age_s": $C_MIN_JOB_AGE_S,
      "out_of_memory_state": $([ "$task_plugin" = task/cgroup ] && echo true || echo false),
      "partitions": $(json_list $C_PARTITIONS),
      "gpu_partition": "$C_GPU_PARTITION",
      "cpu_partition": "$C_CPU_PARTITION",
      "gpu_type": "$C_GPU_TYPE",
      "gpus_per_node": $C_GPUS_PER_NODE,
      "accounting_tres": $(json_list ${C_TRES//,/ }),
      "gpu_nodes": $(json_list $C_GPU_NODES),
      "nodes": $(json_list $(for node in $C_NODES; do echo "${node%%:*}"; done)),
      "users": {$(json_users)
      }
    }
JSON
}

ssh_config_entry() {     # ssh_config_entry HOST PORT USER LINE...
    printf 'Host %s\n    HostName 127.0.0.1\n    Port %s\n    User %s\n' "$1" "$2" "$3"
    printf '    %s\n' "${@:4}"
}
ssh_config_entries() {   # CLUSTER-USER; further doors CLUSTER-DOOR-USER, and CLUSTER-via-jump-USER
    local user door
    for user in $C_USERS; do
        user=${user%:*}
        ssh_config_entry "$C_NAME-$user" "$C_SSH_PORT" "$user" "IdentityFile $ROOT/keys/$user"
        for door in $C_DOORS; do
            door=${door%:*}
            ssh_config_entry "$C_NAME-$door-$user" "$(door_port "$door")" "$user" "IdentityFile $ROOT/keys/$user"
            [ "$door" != jump ] || ssh_config_entry "$C_NAME-via-jump-$user" "$C_SSH_PORT" "$user" \
                "IdentityFile $ROOT/keys/$user" "ProxyJump $C_NAME-jump-$user"
        done
    done
    [ ! -d "$ROOT/keys/$C_NAME-certificates" ] || ssh_config_entry "$C_NAME-certificate" "$C_SSH_PORT" alice \
        "IdentityFile $ROOT/keys/$C_NAME-certificates/alice"
}

describe() {             # describe CLUSTER...: those that run
    local cluster door new sep=
    new=$ROOT/describe.new; rm -rf "$new"; mkdir "$new"
    {
        printf '{\n  "root": "%s",\n  "ctl": "%s",\n  "ssh_config": "%s",\n  "known_hosts": "%s",\n  "clusters": {\n' \
            "$ROOT" "$HERE/ctl.sh" "$ROOT/ssh_config" "$ROOT/known_hosts"
        for cluster in "$@"; do
            cluster_settings "$cluster"; cluster_prefix; cgroup_settings
            printf '%s' "$sep"; json_cluster; sep=$',\n'
            host_key_line "$C_SSH_PORT" >> "$new/known_hosts"
            for door in $C_DOORS; do host_key_line "$(door_port "${door%:*}")" >> "$new/known_hosts"; done
            ssh_config_entries >> "$new/ssh_config"
        done
        printf '  }\n}\n'
    } > "$new/testbed.json"
    printf 'Host *\n    UserKnownHostsFile %s\n    IdentitiesOnly yes\n    BatchMode yes\n' "$ROOT/known_hosts" >> "$new/ssh_config"
    mv "$new/known_hosts" "$new/ssh_config" "$ROOT/"
    mv "$new/testbed.json" "$ROOT/"                        # its presence says: all is up
    rmdir "$new"
}
