# shellcheck shell=bash disable=SC2034
# What install.sh, upgrade.sh and the command `registry` share: places, words, and the steps that several take.
# Everything says what it does; what cannot be done stops with a sentence that says what to do.

HOME_DIR=/opt/registry
SETTINGS=/etc/registry
DATA=/var/lib/registry
LOGS=/var/log/registry
BACKUPS=/var/backups/registry
ENVIRONMENT=$SETTINGS/registry.env
OWNER_ENVIRONMENT=$SETTINGS/owner.env
ANSWERS=$SETTINGS/install.conf
HOLD=/run/registry-hold
UNITS=/etc/systemd/system
STEP=0
BEGUN=$SECONDS

# --- Words ---------------------------------------------------------------------------------------------

# A step: its number and the minutes and seconds since the beginning.
step() {
  STEP=$((STEP + 1))
  printf '\n[%02d:%02d] %d. %s\n' $(((SECONDS - BEGUN) / 60)) $(((SECONDS - BEGUN) % 60)) "$STEP" "$*"
}

say() { printf '        %s\n' "$*"; }

stop() {
  printf '\n停止:%s\n' "$1" >&2
  shift
  local line
  for line in "$@"; do printf '      %s\n' "$line" >&2; done
  exit 1
}

need_root() { [[ $EUID -eq 0 ]] || stop "需要 root 权限。" "请在命令前加 sudo 再运行。"; }

has() { command -v "$1" >/dev/null 2>&1; }

# --- The bundle ----------------------------------------------------------------------------------------

# Every file as it was packed, no file more, and by whom the list was signed.
check_bundle() {
  local bundle=$1 signer=$2 odd
  [[ -f $bundle/SHA256SUMS && -f $bundle/VERSION && -d $bundle/wheels ]] \
    || stop "这里不是完整的安装包:$bundle" "请解开 make bundle 制作的安装包,在其中运行。"
  odd=$(cd "$bundle" && sha256sum --check --quiet SHA256SUMS 2>&1) \
    || stop "安装包与制作时不一致,可能在传输中损坏或被改动:" "${odd//$'\n'/; }" "请重新拷贝安装包。"
  odd=$(cd "$bundle" && comm -13 <(sed 's/^[0-9a-f]*  //' SHA256SUMS | LC_ALL=C sort) \
    <(find . -type f ! -name SHA256SUMS ! -name SHA256SUMS.sig ! -name '*.pyc' | LC_ALL=C sort))
  [[ -z $odd ]] || stop "安装包里有清单以外的文件:${odd//$'\n'/ }" "请重新解开安装包。"
  say "$(wc -l <"$bundle/SHA256SUMS") 个文件的校验和一致,版本 $(<"$bundle/VERSION")"
  if [[ -z $signer ]]; then
    [[ ! -f $bundle/SHA256SUMS.sig ]] || say "安装包有签名;给出 --signer 公钥文件才能核对。"
    [[ -f $bundle/SHA256SUMS.sig ]] || say "安装包没有签名:请与制作的人核对 SHA256SUMS 的校验和:"
    say "SHA-256 $(sha256sum <"$bundle/SHA256SUMS" | cut -d' ' -f1)"
    return
  fi
  has openssl || stop "没有 openssl,无法核对签名。" "请从系统安装盘安装 openssl。"
  [[ -f $bundle/SHA256SUMS.sig ]] || stop "安装包没有签名,而本机要求签名($signer)。"
  openssl dgst -sha256 -verify "$signer" -signature "$bundle/SHA256SUMS.sig" "$bundle/SHA256SUMS" >/dev/null 2>&1 \
    || stop "安装包的签名与公钥 $signer 不符。" "不要安装;请联系制作安装包的人。"
  say "签名与 $signer 相符"
}

# --- Settings --------------------------------------------------------------------------------------------

# Export the variables of an environment file as systemd reads it: nothing in it is run.
read_environment() {
  local line value
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line =~ ^[A-Z][A-Z0-9_]*= ]] || continue
    value=${line#*=}
    if [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]]; then value=${BASH_REMATCH[1]}; fi
    export "${line%%=*}=$value"
  done <"$1"
}

# Run manage.py of a release as the registry's user; `owner` as the owner of the tables, where there is one.
manage() {
  local who=$1 release=$2
  shift 2
  (
    read_environment "$ENVIRONMENT"
    if [[ $who == owner && -f $OWNER_ENVIRONMENT ]]; then read_environment "$OWNER_ENVIRONMENT"; fi
    cd "$release" && exec runuser -u registry -- .venv/bin/python manage.py "$@"
  )
}

# Make the tables as a release wants them, or take an app back to a migration (`migrate RELEASE [APP NAME]...`), and give
# the serving user what it may on them: in one process, since everybody may be waiting.
migrate() {
  local release=$1 roles=''
  shift
  if [[ -f $OWNER_ENVIRONMENT ]]; then roles=deploy/roles.sql; fi
  manage owner "$release" shell --no-imports --verbosity 0 -c "
import sys
from pathlib import Path
from django.core.management import call_command
from django.db import connection
roles, targets = '$roles', '$*'.split()
try:
    for each in zip(targets[::2], targets[1::2]) if targets else [()]:
        call_command('migrate', *each, verbosity=0)
except Exception as error:
    sys.exit(f'{type(error).__name__}: {error}')
if roles:
    connection.cursor().execute(Path(roles).read_text('utf-8'))
" || stop "数据库的表没有改成。" "上面写着原因;改正后再运行一次。"
}

random() { head -c "$1" /dev/urandom | od -An -tx1 | tr -d ' \n'; }

# --- A release --------------------------------------------------------------------------------------------

# The Python that the bundle brings, or the newest of the machine that its packages are for.
find_python() {
  local bundle=$1 archive name
  archive=$(compgen -G "$bundle/python/*.tar.*" | head -n 1) || true
  if [[ -n $archive ]]; then
    name=$HOME_DIR/python/$(basename "$archive" | sed 's/\.tar\..*//')
    if [[ ! -x $name/bin/python3 ]]; then
      rm -rf "$name.new"
      mkdir -p "$name.new"
      tar -xf "$archive" -C "$name.new" --strip-components=1
      mv "$name.new" "$name"
    fi
    PYTHON=$name/bin/python3
    return
  fi
  # shellcheck disable=SC2013  # names of versions hold no blanks
  for name in $(sed -n 's/^pythons=//p' "$bundle/BUNDLE" | tr ' ' '\n' | sort -rV); do
    if has "python$name"; then
      PYTHON=$(command -v "python$name")
      return
    fi
  done
  return 1
}

# Put the code beside what is there, with an environment of its own; a folder that is there is whole.
make_release() {
  local bundle=$1 release=$2 new=$2.new pip
  if [[ -d $release ]]; then
    say "$release 已经存在,不再安装"
    return
  fi
  find_python "$bundle" || stop "本机没有安装包所需的 Python($(sed -n 's/^pythons=//p' "$bundle/BUNDLE"))。" \
    "请从系统安装盘安装 python3;系统自带的版本更旧时(openEuler 22、麒麟 V10)," \
    "请用带 Python 的安装包:make bundle PYTHON_ARCHIVE=文件。"
  say "使用 $PYTHON($("$PYTHON" -V))"
  rm -rf "$new"
  mkdir -p "$new"
  (cd "$bundle" && tar -cf - --exclude=./wheels --exclude=./packages --exclude=./python --exclude=__pycache__ .) \
    | tar -xf - -C "$new" --no-same-owner
  "$PYTHON" -m venv --without-pip "$new/.venv" || stop "不能建立 Python 环境:$new/.venv"
  pip=$(find "$bundle/wheels" -name 'pip-*.whl' | head -n 1)
  PYTHONPATH=$pip "$new/.venv/bin/python" -m pip --isolated install --quiet --disable-pip-version-check --no-index \
    --no-compile --find-links "$bundle/wheels" --require-hashes -r "$new/requirements.txt" \
    || stop "程序包没有装成。" "安装包适用于 $(tr '\n' ';' <"$bundle/BUNDLE")本机是 $("$PYTHON" -V),$(uname -m)。"
  # The folder gets its name only when it is whole. Nothing in it is started by a path that would then be wrong: the
  # services call .venv/bin/python -m, never the scripts beside it.
  "$new/.venv/bin/python" -m compileall -q -j 0 "$new" >/dev/null || true
  chown -R root:root "$new"
  chmod -R u=rwX,go=rX "$new"
  mv "$new" "$release"
  if has restorecon; then restorecon -R "$HOME_DIR"; fi
  say "程序装在 $release"
}

# Point the link to a release, in one step.
switch_to() {
  ln -sfn "$1" "$HOME_DIR/current.new"
  mv -T "$HOME_DIR/current.new" "$HOME_DIR/current"
}

# --- nginx and systemd ---------------------------------------------------------------------------------------

# Fill a template in: `fill TEMPLATE NAME=VALUE ...`.
fill() {
  local text pair
  text=$(<"$1")
  for pair in "${@:2}"; do text=${text//@${pair%%=*}@/${pair#*=}}; done
  printf '%s\n' "$text"
}

# nginx as shipped, for names and ports: to standard output.
nginx_configuration() {
  local source=$1 names=$2 https=$3 http=$4 app=$5 certificate=$6 key=$7 pages=$8 suffix='' six='# '
  if [[ $https != 443 ]]; then suffix=:$https; fi
  if [[ -f /proc/net/if_inet6 ]]; then six=; fi
  fill "$source/registry.conf" "NAMES=$names" "HTTPS_PORT=$https" "HTTPS_IPV6=$six" "APP_PORT=$app" \
    "CERTIFICATE=$certificate" "CERTIFICATE_KEY=$key" "PAGES=$pages"
  if [[ $http != 0 ]]; then
    fill "$source/redirect.conf" "NAMES=$names" "HTTP_PORT=$http" "HTTP_IPV6=$six" "HTTPS_SUFFIX=$suffix"
  fi
}

# Write standard input to a file when it says something else; succeeds when it did.
put() {
  local place=$1 mode=$2 new
  new=$(mktemp "$place.XXXXXX")
  cat >"$new"
  if cmp -s "$new" "$place"; then
    rm "$new"
    return 1
  fi
  chmod "$mode" "$new"
  mv "$new" "$place"
}

# The units of a release, where systemd looks for them, and no others of ours; CHANGED says whether any is new.
put_units() {
  local release=$1 app_port=$2 unit drop=$UNITS/registry-web.socket.d
  CHANGED=
  for unit in "$release"/deploy/systemd/*; do
    if put "$UNITS/${unit##*/}" 0644 <"$unit"; then CHANGED=yes; fi
  done
  for unit in "$UNITS"/registry-*.service "$UNITS"/registry-*.timer "$UNITS"/registry-*.socket; do
    if [[ -f $unit && ! -f $release/deploy/systemd/${unit##*/} ]]; then
      systemctl disable --quiet --now "${unit##*/}" || true
      rm -f "$unit"
      CHANGED=yes
    fi
  done
  mkdir -p "$drop"
  if put "$drop/port.conf" 0644 < <(printf '[Socket]\nListenStream=\nListenStream=127.0.0.1:%s\n' "$app_port"); then
    CHANGED=yes
  fi
  if [[ -n $CHANGED ]]; then systemctl daemon-reload; fi
}

# Whether the server is ready, asked on the machine itself as a load balancer would.
is_ready() {
  "$HOME_DIR/current/.venv/bin/python" - "$1" <<'PYTHON'
import sys, urllib.error, urllib.request
try:
    said = urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/readyz", timeout=20)
except urllib.error.HTTPError as error:
    said = error.read().decode("utf-8", "replace")
    # Closed on purpose (`registry mode maintenance`), and well otherwise.
    if '"maintenance"' in said and all(f'"{each}": true' in said for each in ("database", "migrations", "guards", "disk")):
        print(said)
        sys.exit(0)
    print(said, file=sys.stderr)
    sys.exit(1)
except OSError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
print(said.read().decode("utf-8", "replace"))
PYTHON
}

# Wait until it is, a minute at most.
wait_until_ready() {
  local said end=$((SECONDS + 60))
  while ((SECONDS < end)); do
    if said=$(is_ready "$1" 2>&1); then
      say "健康检查 /readyz:$said"
      return 0
    fi
    sleep 1
  done
  say "健康检查 /readyz:$said"
  return 1
}
