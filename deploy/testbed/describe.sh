# Writes known_hosts, ssh_config and testbed.json for the running clusters; sourced by up.sh, never run.
# shellcheck shell=bash

host_key_line() { echo "[127.0.0.1]:$C_SSH_PORT $(cut -d' ' -f1,2 "$C_DIR/ssh/host_ed25519.pub")"; }

json_list() {            # json_list WORD...: ["a", "b"]
    local word sep=
    printf '['; for word in "$@"; do printf '%s"%s"' "$sep" "$word"; sep=', '; done; printf ']'
}

json_users() {
    local entry user accounts sep=
    for entry in $C_ACCOUNTS; do
        user=${entry%%:*} accounts=${entry#*:}
        printf '%s\n        "%s": {"key": "%s", "home": "%s", "uid": %d, "admin": %s, "accounts": ' "$sep" "$user" \
            "$ROOT/keys/$user" "$C_DIR/home/$user" "$(inside id -u "$user")" "$([ "$user" = dave ] && echo true || echo false)"
        # shellcheck disable=SC2086
        json_list ${accounts//,/ }; printf '}'; sep=,
    done
}

json_cluster() {
    # shellcheck disable=SC2086
    cat <<JSON
    "$C_NAME": {
      "host": "127.0.0.1",
      "port": $C_SSH_PORT,
      "host_key": "$(host_key_line)",
      "slurm_version": "$(inside /usr/sbin/slurmctld -V | cut -d' ' -f2)",
      "min_job_age_s": $C_MIN_JOB_AGE_S,
      "out_of_memory_state": $([ "$task_plugin" = task/cgroup ] && echo true || echo false),
      "partitions": $(json_list $C_PARTITIONS),
      "gpu_partition": "$C_GPU_PARTITION",
      "cpu_partition": "$C_CPU_PARTITION",
      "gpu_type": "$C_GPU_TYPE",
      "gpus_per_node": $C_GPUS_PER_NODE,
      "gpu_nodes": $(json_list $C_GPU_NODES),
      "nodes": $(json_list $(for node in $C_NODES; do echo "${node%%:*}"; done)),
      "users": {$(json_users)
      }
    }
JSON
}

ssh_config_entries() {
    local user
    for user in $USERS; do
        cat <<CONFIG
Host $C_NAME-${user%:*}
    HostName 127.0.0.1
    Port $C_SSH_PORT
    User ${user%:*}
    IdentityFile $ROOT/keys/${user%:*}
CONFIG
    done
}

describe() {             # describe CLUSTER...
    local cluster sep=
    {
        printf '{\n  "root": "%s",\n  "ctl": "%s",\n  "ssh_config": "%s",\n  "known_hosts": "%s",\n  "clusters": {\n' \
            "$ROOT" "$HERE/ctl.sh" "$ROOT/ssh_config" "$ROOT/known_hosts"
        for cluster in "$@"; do
            cluster_settings "$cluster"; cluster_prefix; cgroup_settings
            printf '%s' "$sep"; json_cluster; sep=$',\n'
            host_key_line >> "$ROOT/known_hosts"
            ssh_config_entries >> "$ROOT/ssh_config"
        done
        printf '  }\n}\n'
    } > "$ROOT/testbed.json.new"
    printf 'Host *\n    UserKnownHostsFile %s\n    IdentitiesOnly yes\n    BatchMode yes\n' "$ROOT/known_hosts" >> "$ROOT/ssh_config"
    mv "$ROOT/testbed.json.new" "$ROOT/testbed.json"       # its presence says: all is up
}
