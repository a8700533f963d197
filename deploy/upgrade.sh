#!/usr/bin/env bash
# Upgrades an installed registry from an unpacked bundle, and goes back in one step (--back). No request is lost: the
# new version is made ready beside the old; then systemd holds the port, running requests are ended, new ones wait, the
# tables are changed, and the new version answers them.
set -euo pipefail
bundle=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
# shellcheck source=deploy/lib.sh
source "$bundle/deploy/lib.sh"

usage() {
  cat <<'USAGE'
用法:sudo bash deploy/upgrade.sh [选项]          在新安装包的文件夹中运行
     sudo bash /opt/registry/current/deploy/upgrade.sh --back   退回上一个版本

  --signer 文件        核对安装包签名的公钥(PEM)
  --without-backup     不先做备份(刚刚另外做过时)
USAGE
}

signer='' with_backup=yes back=''
while (($#)); do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --signer) [[ -n ${2-} ]] || stop "--signer 后面缺少文件。"; signer=$2; shift 2 ;;
    --without-backup) with_backup=''; shift ;;
    --back) back=yes; shift ;;
    *) stop "不认识 $1。" "用法见 --help。" ;;
  esac
done
need_root
[[ -L $HOME_DIR/current && -f $ENVIRONMENT ]] || stop "本机还没有安装。" "请运行 deploy/install.sh。"
answer() { sed -n "s/^$1=//p" "$ANSWERS"; }
app_port=$(answer app_port)
current=$(readlink "$HOME_DIR/current")
before_upgrades=$HOME_DIR/upgrades
trap 'rm -f "$HOLD"' EXIT

# The migrations that the database has, one a line: app, name.
applied() {
  manage owner "$1" shell --no-imports --verbosity 0 -c "
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
print(*sorted(' '.join(key) for key in MigrationRecorder(connection).applied_migrations()), sep='\n')"
}

# What a list does not have of the migrations of the database: `app name` pairs to go back to.
to_take_back() {
  local app last now
  now=$(applied "$1") || return 1
  while read -r app; do
    last=$(awk -v app="$app" '$1 == app {print $2}' "$2" | tail -n 1)
    printf '%s %s ' "$app" "${last:-zero}"
  done < <(LC_ALL=C comm -13 "$2" - <<<"$now" | cut -d' ' -f1 | uniq)
}

# Take them back, with the code that knows them. `migrate` stops when it fails: in a shell of its own, so that what
# must follow is still done.
take_back_migrations() {
  local release=$1
  local -a targets
  read -r -a targets <<<"$2"
  if ((${#targets[@]} == 0)); then return 0; fi
  say "表改回到:${targets[*]}"
  (migrate "$release" "${targets[@]}")
}
make_migrations() { (migrate "$1"); }

# End the running pages; from now on whoever asks waits at the port until `let_go`.
hold() {
  local pid
  pid=$(systemctl show -p MainPID --value registry-web)
  touch "$HOLD"
  systemctl restart --no-block registry-web
  while [[ $pid != 0 ]] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}
let_go() { rm -f "$HOLD"; }

put_site() {
  local site=/etc/nginx/conf.d/registry.conf old
  old=$(<"$site")
  if put "$site" 0644 < <(nginx_configuration "$1/deploy/nginx" "$(answer hosts)" "$(answer port)" "$(answer http_port)" \
    "$app_port" "$SETTINGS/tls/registry.crt" "$SETTINGS/tls/registry.key" "$HOME_DIR/current/deploy/nginx/pages"); then
    if nginx -t >/dev/null 2>&1; then
      systemctl reload nginx
      say "nginx 的设置已更新"
    else
      printf '%s\n' "$old" >"$site"
      say "nginx 不接受新的设置,沿用原来的"
    fi
  fi
}

# Serve another version: its units, its code. The tables are changed by the command given, while everybody waits.
change_to() {
  local release=$1 from
  shift
  from=$(date +%s)
  put_units "$release" "$app_port"
  systemctl stop registry-worker
  if (($#)); then
    hold
    "$@" || return 1
    switch_to "$release"
    let_go
  else
    switch_to "$release"
    systemctl restart registry-web || return 1
  fi
  systemctl start registry-worker
  for each in "$release"/deploy/systemd/*.timer; do systemctl enable --quiet --now "${each##*/}"; done
  wait_until_ready "$app_port" || return 1
  put_site "$release"
  say "切换用了 $(($(date +%s) - from)) 秒,其间的请求都在等候"
}

# --- Back ------------------------------------------------------------------------------------------------
if [[ -n $back ]]; then
  step "退回上一个版本"
  [[ -L $HOME_DIR/previous ]] || stop "没有可以退回的版本。"
  previous=$(readlink "$HOME_DIR/previous")
  [[ -d $previous && $previous != "$current" ]] || stop "没有可以退回的版本。"
  list=$before_upgrades/$(basename "$current").before
  [[ -f $list ]] || stop "没有升级时的记录 $list,不能退回。"
  say "从 $(basename "$current") 退回 $(basename "$previous")"
  added=$(to_take_back "$current" "$list") || stop "读不到数据库的迁移记录,没有退回。" "请查看数据库是否在运行。"
  if [[ -n $added ]]; then work=(take_back_migrations "$current" "$added"); else work=(); fi
  if ! change_to "$previous" "${work[@]}"; then
    let_go
    systemctl start registry-worker
    stop "没有退回:表改不回去,或旧版本没有就绪。" "升级前的备份在 $BACKUPS/before-upgrades,恢复的办法见 docs/operations.md。"
  fi
  rm "$HOME_DIR/previous"
  step "完成:现在运行的是 $(basename "$previous")"
  exit 0
fi

# --- Forward ---------------------------------------------------------------------------------------------
step "核对安装包"
if [[ -z $signer && -f $SETTINGS/signer.pem ]]; then signer=$SETTINGS/signer.pem; fi
check_bundle "$bundle" "$signer"
version=$(<"$bundle/VERSION")
release=$HOME_DIR/releases/$version
[[ $release != "$current" ]] || stop "版本 $version 已经在运行。"
say "从 $(basename "$current") 升级到 $version"
free=$(($(df --output=avail -k "$HOME_DIR" | tail -n 1) / 1024))
((free > 1000)) || stop "$HOME_DIR 所在的盘只剩 $free MB。" "请先清理出 1000 MB。"

step "备份"
if [[ -z $with_backup ]]; then
  say "按 --without-backup 跳过"
elif manage serving "$current" help backup >/dev/null 2>&1; then
  install -d -m 0700 -o registry -g registry "$BACKUPS/before-upgrades"
  manage serving "$current" backup "$BACKUPS/before-upgrades" || stop "备份没有做成,升级没有开始。"
else
  stop "现在的版本没有 backup 命令。" "请用数据库自己的工具备份后,加 --without-backup 再运行。"
fi

step "安装新版本,旧版本照常运行"
make_release "$bundle" "$release"
manage serving "$release" check --database default || stop "新版本不接受现在的设置,升级没有开始。" "上面写着原因;改正后再运行。"
(
  read_environment "$ENVIRONMENT"
  cd "$release" && exec runuser -u registry -- .venv/bin/python -m gunicorn --check-config partybuild.wsgi
) || stop "新版本不能启动,升级没有开始。" "上面写着原因。"
mkdir -p "$before_upgrades"
applied "$current" >"$before_upgrades/$version.before"

step "切换到新版本"
if manage owner "$release" migrate --check >/dev/null 2>&1; then
  say "表没有变化"
  work=()
else
  say "表有变化"
  work=(make_migrations "$release")
fi
if ! change_to "$release" "${work[@]}"; then
  say "没有切换成,退回 $(basename "$current")"
  let_go
  added=$(to_take_back "$release" "$before_upgrades/$version.before") || stop "读不到数据库的迁移记录。" "请查看数据库是否在运行。"
  change_to "$current" take_back_migrations "$release" "$added" \
    || stop "也没有退回。" "升级前的备份在 $BACKUPS/before-upgrades,恢复的办法见 docs/operations.md。"
  stop "没有升级,仍是 $(basename "$current")。" "原因见上面和:journalctl -u registry-web -n 50"
fi
ln -sfn "$current" "$HOME_DIR/previous"
if [[ -n $signer && $signer != "$SETTINGS/signer.pem" ]]; then install -m 0644 "$signer" "$SETTINGS/signer.pem"; fi

# New metrics have their totals worked out, new tables their rights; what is there already costs nothing.
if ((${#work[@]} == 0)); then make_migrations "$release" || say "稍后请运行:sudo registry migrate"; fi

step "清理更旧的版本"
find "$HOME_DIR/releases" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | cut -d' ' -f2- \
  | grep -vxF -e "$release" -e "$current" | tail -n +2 | while read -r old; do
  rm -rf "$old"
  say "删除了 $old"
done || true

step "完成:现在运行的是 $version"
say "退回上一个版本:sudo bash $HOME_DIR/current/deploy/upgrade.sh --back"
