#!/usr/bin/env bash
# Installs ChainBot from this checkout as a module of ALEX OS: the bundle, its native packages and its own Node
# into /opt/alex_os/modules/chainbot. A configuration or unit that is already there is kept, and so is all data.
# The version before stays in /opt/alex_os/modules/chainbot.previous.
#
#   sudo ./deploy_alex_os.sh             install and (re)start
#   ./deploy_alex_os.sh --root DIR       lay the files out below DIR (an image, a package); start nothing
#   ./deploy_alex_os.sh --dry-run        only say what would be done
set -euo pipefail
SOURCE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
STAGING=
DRY_RUN=

usage() { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
step() { echo "${DRY_RUN:+would }$*"; }
fail() { # what is wrong, the mend
  printf 'deploy: %s\n        mend: %s\n' "$1" "$2" >&2
  exit 1
}
act() { [[ -n $DRY_RUN ]] || "$@"; }

while (($# > 0)); do
  case $1 in
    --root) [[ -n ${2-} ]] || fail "--root needs a folder" "./deploy_alex_os.sh --root DIR"; STAGING=$(readlink -m "$2"); shift ;;
    --root=*) STAGING=$(readlink -m "${1#--root=}") ;;
    --dry-run) DRY_RUN=yes ;;
    -h | --help) usage && exit ;;
    *) fail "there is no option $1" "./deploy_alex_os.sh --help" ;;
  esac
  shift
done

MODULE=$STAGING/opt/alex_os/modules/chainbot
CONFIG=$STAGING/etc/alex_os/modules/chainbot
UNIT=$STAGING/etc/systemd/system/chainbot.service
COMMAND=$STAGING/usr/local/bin/chainbot
FRESH=$MODULE.new

check_rights() {
  [[ -z $STAGING && -z $DRY_RUN && $(id -u) != 0 ]] || return 0
  fail "installing into /opt and /etc needs root" "sudo ./deploy_alex_os.sh, or --root DIR, or --dry-run"
}

build_bundle() {
  step "bring Node and the packages (scripts/setup), and bundle src/ into dist/"
  [[ -z $DRY_RUN ]] || return 0
  . "$SOURCE/scripts/setup"
  node "$SOURCE/scripts/build.ts"
}

lay_out_module() {
  step "lay out $MODULE: dist, native packages, Node, configuration samples, manifest, unit"
  [[ -z $DRY_RUN ]] || return 0
  rm -rf "$FRESH"
  mkdir -p "$FRESH/node/bin" "$FRESH/dist"
  cp "$SOURCE"/dist/*.js "$SOURCE"/dist/*.map "$FRESH/dist/"
  cp "$NODE_HOME/bin/node" "$FRESH/node/bin/node"
  local folder
  while read -r folder; do
    mkdir -p "$FRESH/$(dirname "$folder")"
    cp -r "$SOURCE/$folder" "$FRESH/$folder"
  done < <(node -p "JSON.parse(fs.readFileSync('$SOURCE/dist/packages.json')).join('\n')")
  # Sources and binaries of other platforms are most of a native package's weight.
  rm -rf "$FRESH"/node_modules/better-sqlite3/{deps,src}
  find "$FRESH/node_modules" -path '*/prebuilds/*' -maxdepth 4 \( -type f -o -type d \) \
    ! -name "linux-$ARCH*" -prune -exec rm -rf {} +
  local file
  for file in config systemd module.manifest.json package.json LICENSE README.md CHANGELOG.md docs/configuration.md; do
    [[ ! -e $SOURCE/$file ]] || { mkdir -p "$FRESH/$(dirname "$file")" && cp -r "$SOURCE/$file" "$FRESH/$file"; }
  done
  chmod -R u=rwX,go=rX "$FRESH"
  # As the daemon would be started: a bundle that does not load never replaces one that does.
  "$FRESH/node/bin/node" "$FRESH/dist/main.js" --version >/dev/null ||
    fail "the new bundle does not start; $MODULE is as it was" "look at the message above"
}

swap_module() {
  step "put it in place; the version before is kept as $MODULE.previous"
  [[ -z $DRY_RUN ]] || return 0
  rm -rf "$MODULE.previous"
  [[ ! -e $MODULE ]] || mv "$MODULE" "$MODULE.previous"
  mv "$FRESH" "$MODULE"
}

write_command() {
  step "write the chainbot command to $COMMAND"
  [[ -z $DRY_RUN ]] || return 0
  mkdir -p "$(dirname "$COMMAND")"
  printf '#!/bin/sh\nexec %s/node/bin/node %s/dist/chainbot.js "$@"\n' \
    /opt/alex_os/modules/chainbot /opt/alex_os/modules/chainbot >"$COMMAND"
  chmod 755 "$COMMAND"
}

write_config() {
  if [[ -e $CONFIG/config.yaml ]]; then step "keep $CONFIG/config.yaml" && return; fi
  step "write $CONFIG/config.yaml (nothing set: the defaults)"
  [[ -z $DRY_RUN ]] || return 0
  mkdir -p "$CONFIG"
  cat >"$CONFIG/config.yaml" <<'YAML'
# ChainBot on this device. Every key, with its default and meaning:
#   /opt/alex_os/modules/chainbot/config/default.yaml
# A sample with devices:
#   /opt/alex_os/modules/chainbot/config/greenhouse.yaml
# Secrets belong into the file `environment` beside this one (mode 0600), as ALEX_OS_CHAINBOT_SECRET_KEY=…
# After a change: systemctl restart chainbot
YAML
  chmod 640 "$CONFIG/config.yaml"
}

write_unit() {
  if [[ -e $UNIT ]]; then
    step "keep $UNIT"
    cmp -s "$UNIT" "$SOURCE/systemd/chainbot.service" ||
      echo "  it differs from this version's; to take that: cp $MODULE/systemd/chainbot.service $UNIT"
    return
  fi
  step "write $UNIT"
  [[ -z $DRY_RUN ]] || return 0
  mkdir -p "$(dirname "$UNIT")"
  cp "$SOURCE/systemd/chainbot.service" "$UNIT"
}

make_user() {
  if ! getent passwd chainbot >/dev/null; then
    step "make the system user chainbot"
    act useradd --system --user-group --home-dir /var/lib/chainbot --no-create-home --shell /usr/sbin/nologin chainbot
  fi
  local group
  for group in gpio i2c spi dialout; do # pins, buses and ports, where the system has such groups
    getent group "$group" >/dev/null || continue
    step "let chainbot use the devices of group $group"
    act usermod --append --groups "$group" chainbot
  done
  act chgrp chainbot "$CONFIG/config.yaml"
}

start_service() {
  if [[ ! -d /run/systemd/system ]]; then
    echo "systemd does not run here: start it with"
    echo "  /opt/alex_os/modules/chainbot/node/bin/node /opt/alex_os/modules/chainbot/dist/main.js"
    return
  fi
  step "start chainbot.service, now and at each boot"
  act systemctl daemon-reload
  act systemctl enable --quiet chainbot.service
  act systemctl restart chainbot.service
  [[ -z $DRY_RUN ]] || return 0
  sleep 2
  systemctl is-active --quiet chainbot.service ||
    fail "chainbot.service does not stay up" "journalctl -u chainbot -n 30; the version before is in $MODULE.previous"
}

check_rights
build_bundle
lay_out_module
swap_module
write_command
write_config
write_unit
if [[ -z $STAGING ]]; then
  make_user
  start_service
fi
echo "${DRY_RUN:+nothing was }done."
